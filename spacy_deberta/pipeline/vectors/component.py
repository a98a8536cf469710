"""The factory `deberta_vectors`: vectors of documents, spans and tokens, and their similarity."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import torch
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from thinc.api import Model, Optimizer, set_dropout_rate
from thinc.types import Floats2d

from spacy_deberta.arrays import Array
from spacy_deberta.corpora import TextPair, get_text_pair
from spacy_deberta.errors import Errors
from spacy_deberta.layers import listeners_of, loss_gradient, predict_vectors
from spacy_deberta.pipeline.documents import check_docs
from spacy_deberta.pipeline.settings import read_settings, to_cfg

from .hooks import set_vectors
from .losses import cosine_loss, in_batch_loss
from .scorer import SIMILARITY
from .settings import VectorSettings

Prediction = tuple[Array, list[Array]]
# Documents that are encoded at once while pairs are scored.
_SCORED_AT_ONCE = 64

DEFAULT_MODEL = {
    "@architectures": "spacy-deberta.DocumentVectors.v1",
    "pooling": "mean",
    "over": "pieces",
    "grad_factor": 1.0,
    "tok2vec": {
        "@architectures": "spacy-deberta.DocumentEncoder.v1",
        "transformer": {
            "@architectures": "spacy-deberta.DebertaV2Model.v1",
            "get_spans": {
                "@span_getters": "spacy-deberta.piece_windows.v1",
                "window": 510,
                "overlap": 64,
            },
        },
    },
}


@Language.factory(
    "deberta_vectors",
    assigns=["doc.tensor", "doc.user_data"],
    default_config={
        "model": DEFAULT_MODEL,
        **to_cfg(VectorSettings()),
        "scorer": {"@scorers": "spacy-deberta.vectors_scorer.v1"},
    },
    default_score_weights={"sim_spearman": 1.0, "sim_pearson": None},
)
def make_vectors(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Floats2d],
    normalize: bool,
    store_tokens: bool,
    loss: str,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "Vectors":
    """Construct a component that sets vectors.

    model (Model[list[Doc], Floats2d]): `spacy-deberta.DocumentVectors.v1`, with an encoder of its
        own or a listener.
    normalize (bool): Whether the vector of a document has the length 1. Those of spans and tokens
        are as they are.
    store_tokens (bool): Whether the vectors of tokens are also in `doc.user_data`, so that a
        `DocBin` with `store_user_data=True` has them.
    loss (str): "cosine" learns the scores of pairs; "in_batch" learns that the texts of a pair are
        more similar than those of different pairs in the batch.
    scorer (Callable[..., dict[str, Any]] | None): The scoring method.
    RETURNS (Vectors): The component.
    """
    return Vectors(
        nlp.vocab,
        model,
        name,
        make_doc=nlp.make_doc,
        scorer=scorer,
        normalize=normalize,
        store_tokens=store_tokens,
        loss=loss,
    )


class Vectors(TrainablePipe):
    """Set `doc.vector`, `span.vector` and `token.vector` from a DeBERTa-v2.

    vocab (Vocab): The vocabulary.
    model (Model[list[Doc], Floats2d]): The model.
    name (str): Name of the component.
    make_doc (Callable[[str], Doc]): Tokenizes the second text of a pair.
    scorer (Callable[..., dict[str, Any]] | None): The scoring method.
    settings (Any): See `make_vectors`.

    DOCS: docs/api/vectors.md
    """

    settings_class = VectorSettings

    def __init__(
        self,
        vocab: Any,
        model: Model[list[Doc], Floats2d],
        name: str = "deberta_vectors",
        *,
        make_doc: Callable[[str], Doc],
        scorer: Callable[..., dict[str, Any]] | None = None,
        **settings: Any,
    ) -> None:
        cfg = to_cfg(self.settings_class(**settings))
        super().__init__(vocab, model, name, **cfg)
        self.make_doc = make_doc
        self.scorer = scorer

    @property
    def settings(self) -> VectorSettings:
        """The checked settings of `cfg`.

        RETURNS (VectorSettings): A frozen dataclass.
        """
        return read_settings(self.settings_class, self.cfg)

    def initialize(
        self, get_examples: Callable[[], Iterable[Example]], *, nlp: Language | None = None
    ) -> None:
        """Load the encoder.

        get_examples (Callable[[], Iterable[Example]]): Returns examples.
        nlp (Language | None): The pipeline.
        """
        validate_get_examples(get_examples, "Vectors.initialize")
        self.model.initialize(X=[eg.reference for eg in islice(get_examples(), 10)])

    def predict(self, docs: Iterable[Doc]) -> Prediction:
        """Compute vectors.

        docs (Iterable[Doc]): The documents.
        RETURNS (tuple[Array, list[Array]]): The vectors of the documents, `(docs, width)`, and for
            each those of its tokens, `(tokens, width)`. float32.
        """
        docs = check_docs(docs, component=self.name)
        if not docs:
            return self.model.ops.alloc2f(0, 0), []
        vectors: Array
        vectors, tokens = predict_vectors(self.model, docs)
        if self.settings.normalize:
            norms = (vectors**2).sum(axis=1, keepdims=True) ** 0.5
            vectors = vectors / (norms + (norms == 0))
        return vectors, tokens

    def set_annotations(self, docs: Iterable[Doc], scores: Prediction) -> None:
        """Set the vectors, and the hooks of spaCy that return them.

        docs (Iterable[Doc]): The documents.
        scores (tuple[Array, list[Array]]): From `predict`.
        """
        docs = check_docs(docs, component=self.name)
        store_tokens = self.settings.store_tokens
        for doc, vector, tokens in zip(docs, *scores, strict=True):
            set_vectors(doc, vector, tokens, store_tokens=store_tokens)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from pairs of texts: the document and `doc._.text_pair` of the gold document.

        examples (Iterable[Example]): The examples; those without a pair are ignored.
        drop (float): Rate of dropout.
        sgd (Optimizer | None): The optimizer; without it, gradients are accumulated.
        losses (dict[str, float] | None): The loss is added to these.
        RETURNS (dict[str, float]): The losses.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "Vectors.update")
        pairs = _read_pairs(examples)
        if not pairs:
            return losses
        if any(listeners_of(self)):
            raise ValueError(Errors.E665.format(component=self.name))
        first = [doc for doc, _ in pairs]
        second = [self.make_doc(pair["text"]) for _, pair in pairs]
        set_dropout_rate(self.model, drop)
        vectors, backprop = self.model.begin_update([*first, *second])
        loss, gradient = loss_gradient(vectors, self._make_loss(pairs))
        backprop(gradient)
        if sgd is not None:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def get_loss(self, examples: Iterable[Example], scores: Array) -> tuple[float, Array]:
        """Compute the loss of an update and its gradient.

        examples (Iterable[Example]): Examples with pairs.
        scores (Array): Vectors of the documents, then of the second texts, `(2 * pairs, width)`.
        RETURNS (tuple[float, Array]): The loss, and its gradient.
        """
        return loss_gradient(scores, self._make_loss(_read_pairs(examples)))

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score the similarity of the pairs of gold documents.

        examples (Iterable[Example]): The examples.
        kwargs (Any): Settings of the scorer.
        RETURNS (dict[str, Any]): The scores.
        """
        examples = list(examples)
        paired = [eg for eg in examples if get_text_pair(eg.reference) is not None]
        for start in range(0, len(paired), _SCORED_AT_ONCE):
            pairs = _read_pairs(paired[start : start + _SCORED_AT_ONCE])
            self._set_similarities(pairs)
        return super().score(examples, **kwargs)

    def _set_similarities(self, pairs: Sequence[tuple[Doc, TextPair]]) -> None:
        docs = [doc for doc, _ in pairs]
        others = [self.make_doc(pair["text"]) for _, pair in pairs]
        self.set_annotations(docs, self.predict(docs))
        self.set_annotations(others, self.predict(others))
        for doc, other in zip(docs, others, strict=True):
            doc.user_data[SIMILARITY] = doc.similarity(other)

    def _make_loss(
        self, pairs: Sequence[tuple[Doc, TextPair]]
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        scores = torch.tensor([pair["score"] for _, pair in pairs])
        if self.settings.loss == "cosine":
            return lambda vectors: cosine_loss(vectors, scores.to(vectors))
        texts = [{doc.text, pair["text"]} for doc, pair in pairs]
        same = torch.tensor([[not one.isdisjoint(two) for two in texts] for one in texts])
        return partial(_in_batch, scores=scores, same=same)


def _in_batch(vectors: torch.Tensor, *, scores: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
    return in_batch_loss(vectors, scores.to(vectors), same.to(vectors.device))


def _read_pairs(examples: Iterable[Example]) -> list[tuple[Doc, TextPair]]:
    found = ((eg.predicted, get_text_pair(eg.reference)) for eg in examples)
    return [(doc, pair) for doc, pair in found if pair is not None]
