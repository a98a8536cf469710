"""The factory `deberta`: one encoder for all components that listen to it."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy import util
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, set_dropout_rate

from spacy_deberta.errors import Errors
from spacy_deberta.layers import (
    ANY_ENCODER,
    FullTransformerBatch,
    TransformerListener,
    listeners_of,
    load_model,
    name_component,
    note_encoder,
    share_encoder,
    tokenize_ahead,
    waits_for_device,
)
from spacy_deberta.pipeline.documents import check_docs

from .annotation_setters import AnnotationSetter, null_annotation_setter
from .listener_gradients import ListenerGradients
from .upstreams import EncoderPipe, check_upstreams, is_encoder

# The attribute of documents, `doc._.trf_data`, which spacy-transformers' pipe writes too.
EXTENSION = "trf_data"
DEFAULT_CONFIG = Config().from_str(
    """
    [deberta]

    [deberta.set_extra_annotations]
    @annotation_setters = "spacy-deberta.null_annotation_setter.v1"

    [deberta.model]
    @architectures = "spacy-deberta.DebertaV2Model.v1"
    name = "microsoft/deberta-v3-base"

    [deberta.model.get_spans]
    @span_getters = "spacy-deberta.piece_windows.v1"
    window = 510
    overlap = 64
    """
)["deberta"]


@Language.factory("deberta", assigns=[f"doc._.{EXTENSION}"], default_config=DEFAULT_CONFIG)
def make_deberta(
    nlp: Language,
    name: str,
    model: Model[list[Doc], FullTransformerBatch],
    set_extra_annotations: AnnotationSetter,
) -> "Deberta":
    """Construct a component that encodes documents with DeBERTa-v2 for the components after it.

    model (Model[list[Doc], FullTransformerBatch]): `spacy-deberta.DebertaV2Model.v1`.
    set_extra_annotations (Callable[[list[Doc], FullTransformerBatch], None]): Called with each
        batch after `doc._.trf_data` is set.
    RETURNS (Deberta): The component.
    """
    return Deberta(nlp.vocab, model, set_extra_annotations, name=name)


class Deberta(EncoderPipe):
    """Encode documents once for all listening components.

    Its contract with the pipeline is that of spacy-transformers' `Transformer`. Beyond that, it is
    saved as a folder that Hugging Face's `AutoModel` opens, and mapped from there; the gradients of
    listeners are never lost, whichever of them are frozen; and one failing batch goes to the error
    handler.

    DOCS: docs/api/deberta.md
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], FullTransformerBatch],
        set_extra_annotations: AnnotationSetter = null_annotation_setter,
        *,
        name: str = "transformer",
    ) -> None:
        if not isinstance(model, Model):
            raise ValueError(Errors.E453.format(component=name, found=type(model).__name__))
        name_component(model, name)
        self.name = name
        self.vocab = vocab
        self.model = model
        self.set_extra_annotations = set_extra_annotations
        self.cfg: dict[str, Any] = {}
        self._note_name()
        # Listeners by the name of their component; spaCy's `replace_listeners` edits it.
        self.listener_map: dict[str, list[Any]] = {}
        self._gradients: ListenerGradients | None = None
        self._is_followed = False
        install_extension()

    @property
    def listeners(self) -> list[Any]:
        """The listeners of all components that listen to this one."""
        return [listener for found in self.listener_map.values() for listener in found]

    @property
    def listening_components(self) -> list[str]:
        """The names of the components that listen to this one."""
        return list(self.listener_map)

    def add_listener(self, listener: Any, component_name: str) -> None:
        """Send rows to a listener from now on.

        listener (Any): The listener; it gets the width of the encoder, if that is known.
        component_name (str): The component that it is in.
        """
        found = self.listener_map.setdefault(component_name, [])
        if listener not in found:
            found.append(listener)
        if self.model.has_dim("nO") and listener.has_dim("nO") is None:
            listener.set_dim("nO", self.model.get_dim("nO"))

    def remove_listener(self, listener: Any, component_name: str) -> bool:
        """Send no rows to a listener any more.

        listener (Any): The listener.
        component_name (str): The component that it is in.
        RETURNS (bool): Whether it was there.
        """
        found = self.listener_map.get(component_name, [])
        if listener not in found:
            return False
        found.remove(listener)
        if not found:
            del self.listener_map[component_name]
        return True

    def __call__(self, doc: Doc) -> Doc:
        """Encode one document.

        doc (Doc): The document.
        RETURNS (Doc): The same document, with `doc._.trf_data`.
        """
        install_extension()
        self._encode([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Encode a stream of documents. The model itself limits the pieces that it takes at once.

        If the encoder is not on the CPU, the next batch is tokenized while it is busy with one.

        stream (Iterable[Doc]): The documents.
        batch_size (int): Number of documents to buffer.
        YIELDS (Doc): The documents in order.
        """
        install_extension()
        batches: Iterator[list[Doc]] = map(list, util.minibatch(stream, batch_size))
        if waits_for_device(self.model):
            batches = tokenize_ahead(self.model, batches)
        for docs in batches:
            yield from self._encode(docs)

    def _encode(self, docs: list[Doc]) -> list[Doc]:
        """Annotate a batch; if that fails, the error handler gets it and nothing is left of it."""
        try:
            self.set_annotations(docs, self.predict(docs))
        except Exception as error:
            self.get_error_handler()(self.name, self, docs, error)
            return []
        return docs

    def predict(self, docs: Iterable[Doc]) -> FullTransformerBatch:
        """Encode a batch without changing the documents.

        docs (Iterable[Doc]): The documents. Those without tokens get no rows, but a width.
        RETURNS (FullTransformerBatch): What `set_annotations` takes.
        """
        return self.model.predict(check_docs(docs, component=self.name))

    def set_annotations(self, docs: Iterable[Doc], predictions: FullTransformerBatch) -> None:
        """Give documents their rows as `doc._.trf_data`, and call `set_extra_annotations`.

        docs (Iterable[Doc]): The documents.
        predictions (FullTransformerBatch): What `predict` gave for them.
        """
        docs = check_docs(docs, component=self.name)
        for doc, data in zip(docs, predictions.doc_data, strict=True):
            former, keep = self.former_names, self._is_followed
            note_encoder(doc, data, encoder=self.name, keep=keep, former_names=former)
            doc._.trf_data = data
        self.set_extra_annotations(docs, predictions)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
    ) -> None:
        """Take weights and vocabulary from the source that the config names.

        get_examples (Callable[[], Iterable[Example]]): Not used.
        nlp (Language | None): The pipeline, whose listeners are looked for.
        """
        # The weights have their sizes already; spaCy's contract wants a document.
        self.model.initialize(X=[Doc(Vocab(), words=["hello"])])
        if nlp is not None:
            followers = [component for _, component in nlp.pipeline]
            for component in followers[followers.index(self) :]:
                self.find_listeners(component)
            check_upstreams(nlp, self)

    def find_listeners(self, component: Any) -> None:
        """Find the listeners of a later component, and share the encoder if its config asks for it.

        component (Any): A component that comes after this one.
        """
        self._note_name()
        # Rows have to be kept for listeners that name this encoder, if another one comes after it.
        self._is_followed |= component is not self and is_encoder(component)
        for listener in listeners_of(component):
            if listener.upstream_name in (ANY_ENCODER, self.name):
                self.add_listener(listener, component.name)
        share_encoder(self.model, self.name, component)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Encode documents for training and hand the rows to the listeners.

        The backward pass runs when every listener has returned its gradient, or, if some never do
        (they are frozen, or had nothing to learn from the batch), at the next update or
        `finish_update`.

        examples (Iterable[Example]): The batch; only the predicted documents are used.
        drop (float): The dropout rate.
        sgd (Optimizer | None): If given, `finish_update` is called after the backward pass.
        losses (dict[str, float] | None): Updated with the sum of squares of the gradients.
        RETURNS (dict[str, float]): The losses.
        """
        examples = list(examples)
        validate_examples(examples, "Deberta.update")
        losses = {} if losses is None else losses
        self._backprop_pending()
        docs = [example.predicted for example in examples]
        if not any(len(doc) for doc in docs):
            return losses
        set_dropout_rate(self.model, drop)
        output, backprop_model = self.model.begin_update(docs)
        losses.setdefault(self.name, 0.0)
        if not self.listeners:
            return losses

        def backprop(d_rows: Any, sum_of_squares: float) -> None:
            losses[self.name] += sum_of_squares
            gradient: Any = output.unsplit_by_doc([[d_rows[None]]])
            backprop_model(gradient)
            self._gradients = None
            if sgd not in (None, False):
                self.finish_update(sgd)

        self._gradients = ListenerGradients(len(self.listeners), backprop)
        batch_id = TransformerListener.get_batch_id(docs)
        for listener in self.listeners:
            listener.receive(batch_id, output.doc_data, self._gradients.add)
        return losses

    def finish_update(self, sgd: Optimizer) -> None:
        """Update the weights from the gradients that have come in.

        sgd (Optimizer): The optimizer.
        """
        self._backprop_pending()
        super().finish_update(sgd)

    def _backprop_pending(self) -> None:
        if self._gradients is not None:
            gradients, self._gradients = self._gradients, None
            gradients.backprop()

    def _load_checkpoint(self, folder: Path) -> None:
        """Load the encoder from the folder of a checkpoint."""
        load_model(self.model, folder)


def install_extension() -> None:
    """Give documents the attribute `doc._.trf_data`."""
    if not Doc.has_extension(EXTENSION):
        Doc.set_extension(EXTENSION, default=None)
