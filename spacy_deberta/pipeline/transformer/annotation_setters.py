"""What the component may write into documents beside `doc._.trf_data`."""

from collections.abc import Callable

from spacy.tokens import Doc

from spacy_deberta.layers import FullTransformerBatch

AnnotationSetter = Callable[[list[Doc], FullTransformerBatch], None]


def null_annotation_setter(docs: list[Doc], predictions: FullTransformerBatch) -> None:
    """Write nothing.

    docs (list[Doc]): The documents.
    predictions (FullTransformerBatch): The output of the encoder.
    """


def null_annotation_setter_v1() -> AnnotationSetter:
    """Write nothing into documents beside `doc._.trf_data`.

    RETURNS (AnnotationSetter): The setter, for `set_extra_annotations` of the factory `deberta`.

    DOCS: docs/api/deberta.md
    """
    return null_annotation_setter
