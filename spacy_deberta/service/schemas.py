"""The bodies of requests and answers; the OpenAPI schema is made of them."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MAX_LABELS = 100


def _check_unicode(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        # JSON can write half of a pair such as "\ud83d\ude00", which is no character.
        raise ValueError(f"no valid Unicode at character {error.start}") from error
    return text


def _check_labels(labels: list[str]) -> list[str]:
    if any(not label.strip() for label in labels):
        raise ValueError("a label is empty")
    if len(set(labels)) < len(labels):
        raise ValueError("a label is there twice")
    return labels


UnicodeText = Annotated[str, AfterValidator(_check_unicode)]
Labels = Annotated[
    list[UnicodeText], Field(min_length=1, max_length=MAX_LABELS), AfterValidator(_check_labels)
]


class AnnotateRequest(BaseModel):
    """One text or several, and what is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: UnicodeText | None = Field(None, description="One text.")
    texts: list[UnicodeText] | None = Field(None, description="Several texts.")
    labels: Labels | None = Field(
        None,
        description="Labels for `deberta_gliner` and `deberta_zero_shot`, instead of their own.",
    )
    pieces: bool = Field(False, description="Whether to give the pieces of the encoder, too.")

    @model_validator(mode="after")
    def _check(self) -> "AnnotateRequest":
        if (self.text is None) == (self.texts is None):
            raise ValueError("give either 'text' or 'texts'")
        return self

    @property
    def all_texts(self) -> list[str]:
        """The texts, in their order."""
        return [self.text] if self.text is not None else self.texts or []


class CharacterRange(BaseModel):
    """Characters of the text; `end` is behind the last one."""

    start: int
    end: int


class AnnotatedToken(CharacterRange):
    """A token. Fields that no component sets are missing."""

    tag: str | None = None
    pos: str | None = None
    morph: str | None = None
    lemma: str | None = None
    dep: str | None = None
    head: int | None = Field(None, description="Index of the head among the tokens.")


class AnnotatedSpan(CharacterRange):
    """An entity or a span."""

    label: str
    text: str
    score: float | None = None


class MaskFilling(CharacterRange):
    """What a mask at these characters may stand for."""

    text: str
    score: float


class TextPiece(CharacterRange):
    """A piece of the encoder's vocabulary, and the indices of the tokens that it belongs to."""

    piece: str
    id: int
    tokens: list[int]


class DocResponse(BaseModel):
    """The annotations of a text. Offsets are those of its characters (code points)."""

    text: str
    tokens: list[AnnotatedToken]
    ents: list[AnnotatedSpan]
    spans: dict[str, list[AnnotatedSpan]]
    cats: dict[str, float | None]
    sents: list[CharacterRange] | None = None
    fillings: list[list[MaskFilling]] | None = None
    pieces: list[TextPiece] | None = None


class AnnotateResponse(BaseModel):
    """The annotations of all texts of a request, in their order."""

    docs: list[DocResponse]


class ErrorDetail(BaseModel):
    """An error of docs/errors.md."""

    code: str | None
    message: str


class ErrorResponse(BaseModel):
    """The answer to a request that fails."""

    error: ErrorDetail


class HealthResponse(BaseModel):
    """Whether the service annotates texts, and how many wait."""

    status: str
    waiting: int


class ComponentInfo(BaseModel):
    """A component of the pipeline."""

    name: str
    factory: str
    labels: list[str]
    takes_labels: bool
    assigns: list[str] = Field(description="What it sets, such as `doc.ents`, as far as it says.")


class ServiceLimits(BaseModel):
    """What the service accepts."""

    max_text_length: int
    max_texts: int
    max_labels: int = MAX_LABELS
    timeout: float


class PipelineResponse(BaseModel):
    """The pipeline, and what can be asked of it."""

    name: str
    version: str
    lang: str
    components: list[ComponentInfo]
    takes_labels: bool
    fills_masks: bool
    has_pieces: bool
    limits: ServiceLimits
