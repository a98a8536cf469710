"""The registered names of spacy-transformers, also where it is not installed.

Entry points refer to the attributes of this module. With spacy-transformers installed they are its
own functions. Without it, they are objects that raise an error with the way out as soon as a config
is resolved.
"""

from inspect import Signature
from typing import Any, NoReturn

from spacy_deberta.errors import Errors

from .integration import import_stock, stock_is_installed

# Attribute of this module: its location in spacy-transformers, its name in configs, and ours.
STOCK_NAMES = {
    "listener_v1": (
        "architectures.transformer_listener_tok2vec_v1",
        "spacy-transformers.TransformerListener.v1",
        "spacy-deberta.TransformerListener.v1",
    ),
    **{
        f"model_v{version}": (
            f"architectures.create_TransformerModel_v{version}",
            f"spacy-transformers.TransformerModel.v{version}",
            "spacy-deberta.DebertaV2Model.v1",
        )
        for version in (1, 2, 3)
    },
    **{
        f"tok2vec_v{version}": (
            f"architectures.transformer_tok2vec_v{version}",
            f"spacy-transformers.Tok2VecTransformer.v{version}",
            "spacy-deberta.DebertaV2Tok2Vec.v1",
        )
        for version in (1, 2, 3)
    },
    "strided_spans_v1": (
        "span_getters.configure_strided_spans",
        "spacy-transformers.strided_spans.v1",
        "spacy-deberta.strided_spans.v1",
    ),
    "sent_spans_v1": (
        "span_getters.configure_get_sent_spans",
        "spacy-transformers.sent_spans.v1",
        "spacy-deberta.sent_spans.v1",
    ),
    "doc_spans_v1": (
        "span_getters.configure_get_doc_spans",
        "spacy-transformers.doc_spans.v1",
        "spacy-deberta.doc_spans.v1",
    ),
    "null_annotation_setter_v1": (
        "annotation_setters.configure_null_annotation_setter",
        "spacy-transformers.null_annotation_setter.v1",
        "spacy-deberta.null_annotation_setter.v1",
    ),
}


class MissingStock:
    """A function of spacy-transformers, which is not installed.

    It is registered, so listing all names works, but raises an error when used. confection reads
    the signature before it calls a function, and would report a missing one as its own error.

    Args:
        name: Its name in configs.
        replacement: The name of our equivalent.
    """

    def __init__(self, name: str, replacement: str) -> None:
        self.name = name
        self.replacement = replacement

    @property
    def __signature__(self) -> Signature:
        self()

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse.

        Raises:
            ImportError: Always (E454).
        """
        raise ImportError(Errors.E454.format(name=self.name, replacement=self.replacement))


def __getattr__(attribute: str) -> Any:
    if attribute not in STOCK_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    stock, name, replacement = STOCK_NAMES[attribute]
    return import_stock(stock) if stock_is_installed() else MissingStock(name, replacement)
