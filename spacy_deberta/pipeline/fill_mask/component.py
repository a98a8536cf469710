"""The factory `deberta_fill_mask`: masks in texts → predicted pieces."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model
from thinc.util import to_numpy

from spacy_deberta.arrays import Array, Ints, expand_ranges
from spacy_deberta.errors import check_number
from spacy_deberta.layers import (
    PieceRanges,
    Sequences,
    encode_texts,
    get_tokenizer,
    join_sequences,
)
from spacy_deberta.pipeline.documents import check_docs
from spacy_deberta.pipeline.head_pipe import HeadPipe, TrainingBatch
from spacy_deberta.pipeline.settings import default_config

from .mask_sequences import mask_sequences
from .random_masks import mask_at_random
from .settings import FillMaskSettings

# In evaluation every seventh piece is masked, about as many as in training.
EVALUATION_STRIDE = 7

if not Doc.has_extension("fillings"):
    Doc.set_extension("fillings", default=None)


@Language.factory(
    "deberta_fill_mask",
    assigns=["doc._.fillings"],
    default_config=default_config(
        FillMaskSettings(),
        head="masked_lm",
    ),
    default_score_weights={"mask_acc": 1.0, "mask_perplexity": None},
)
def make_fill_mask(
    nlp: Language,
    name: str,
    model: Model[Sequences, Array],
    top_k: int,
    mask_probability: float,
    max_length: int,
    overlap: int,
) -> "FillMask":
    """Construct a component that predicts the pieces in the place of "[MASK]".

    model (Model[Sequences, Array]): `spacy-deberta.DebertaV2WithHead.v1` with the head "masked_lm".
    top_k (int): Number of pieces for each mask in `doc._.fillings`.
    mask_probability (float): Probability that a piece is masked in training.
    max_length (int): Maximum number of pieces of a sequence, special tokens included. Longer texts
        are split into windows, and each mask is predicted in the window with the most context.
    overlap (int): Minimum number of pieces that neighbouring windows share.
    RETURNS (FillMask): The component.
    """
    return FillMask(
        nlp.vocab,
        model,
        name,
        top_k=top_k,
        mask_probability=mask_probability,
        max_length=max_length,
        overlap=overlap,
    )


@dataclass(frozen=True)
class Filling:
    """A predicted piece in the place of a mask.

    Attributes:
        text: The piece as text, without the space before it.
        piece: The piece as SentencePiece writes it.
        id: Its id.
        score: From 0 to 1; those of all pieces of the vocabulary sum to 1.
        start_char: Start offset of the mask in the text.
        end_char: End offset of the mask.
    """

    text: str
    piece: str
    id: int
    score: float
    start_char: int
    end_char: int


class FillMask(HeadPipe[FillMaskSettings]):
    """Fill masks in texts with a masked language model.

    DOCS: docs/api/fill_mask.md
    """

    factory = "deberta_fill_mask"
    head = "masked_lm"
    settings_class = FillMaskSettings
    doc_method = "fill_mask"
    wanted = (
        "a checkpoint with a head for masked language modelling, such as "
        "'microsoft/deberta-v2-xlarge'"
    )

    def __init__(
        self, vocab: Vocab, model: Model, name: str | None = None, **settings: Any
    ) -> None:
        # No argument `scorer`, as the component scores by itself.
        super().__init__(vocab, model, name, scorer=None, **settings)

    def fill_mask(self, doc: Doc, k: int = 5) -> list[list[Filling]]:
        """Fill the masks of a text; `doc._.fill_mask(k)` calls it.

        doc (Doc): The text. Every "[MASK]" in it is a mask; other special tokens are text.
        k (int): Number of pieces for each mask.
        RETURNS (list[list[Filling]]): For each mask, in the order of the text, the best pieces,
            best first.
        """
        return self.fill([doc], k)[0]

    def fill(self, docs: Iterable[Doc], k: int = 5) -> list[list[list[Filling]]]:
        """Fill the masks of several texts in shared batches.

        docs (Iterable[Doc]): The texts.
        k (int): Number of pieces for each mask.
        RETURNS (list[list[list[Filling]]]): The output of `fill_mask` for each text.
        """
        check_number("k", k, lambda n: n >= 1, "at least 1", whole=True)
        docs = check_docs(docs, component=self.name)
        tokenizer = get_tokenizer(self.model)
        mask = tokenizer.convert_ids_to_tokens(tokenizer.mask_token_id)
        pieces = tokenizer.encode_batch([doc.text for doc in docs], special_tokens_in_text=[mask])
        masks = np.flatnonzero(pieces.ids == tokenizer.mask_token_id)
        doc_of_piece = np.repeat(np.arange(len(docs)), np.diff(pieces.cu_pieces))
        found: list[list[list[Filling]]] = [[] for _ in docs]
        for asked, logits in self._logits(PieceRanges.whole(pieces), masks):
            scores, ids = logits.softmax(-1).topk(min(k, logits.shape[1]))
            for index, *row in zip(asked.tolist(), scores.tolist(), ids.tolist(), strict=True):
                place = (int(pieces.starts[index]), int(pieces.ends[index]))
                found[doc_of_piece[index]].append(
                    [
                        Filling(
                            tokenizer.decode(piece),
                            tokenizer.convert_ids_to_tokens(piece),
                            piece,
                            score,
                            *place,
                        )
                        for score, piece in zip(*row, strict=True)
                    ]
                )
        return found

    def predict(self, docs: Iterable[Doc]) -> list[list[list[Filling]]]:
        """Fill the masks of documents.

        docs (Iterable[Doc]): The documents.
        RETURNS (list[list[list[Filling]]]): `top_k` pieces for each mask of each document.
        """
        return self.fill(docs, self.settings.top_k)

    def set_annotations(
        self, docs: Iterable[Doc], fillings: Sequence[Sequence[Sequence[Filling]]]
    ) -> None:
        """Set `doc._.fillings`.

        docs (Iterable[Doc]): The documents.
        fillings (Sequence[Sequence[Sequence[Filling]]]): From `predict`.
        """
        docs = check_docs(docs, component=self.name)
        for doc, of_doc in zip(docs, fillings, strict=True):
            doc._.fillings = [[asdict(filling) for filling in of_mask] for of_mask in of_doc]

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score the predictions of pieces when every seventh piece is masked.

        examples (Iterable[Example]): The examples; only their texts are used.
        kwargs (Any): Not used.
        RETURNS (dict[str, Any]): The accuracy as `mask_acc`, and `mask_perplexity`.
        """
        tokenizer = get_tokenizer(self.model)
        texts = encode_texts(tokenizer, [example.reference.text for example in examples])
        masks = np.arange(EVALUATION_STRIDE // 2, len(texts.ids), EVALUATION_STRIDE)
        if not len(masks):
            return {"mask_acc": None, "mask_perplexity": None}
        masked = texts.ids.copy()
        masked[masks] = tokenizer.mask_token_id
        right, loss = 0, 0.0
        for asked, logits in self._logits(replace(texts, ids=masked), masks):
            gold = torch.from_numpy(texts.ids[asked])
            right += int((logits.argmax(-1) == gold).sum())
            loss += float(torch.nn.functional.cross_entropy(logits, gold, reduction="sum"))
        return {
            "mask_acc": right / len(masks),
            "mask_perplexity": float(np.exp(loss / len(masks))),
        }

    def training_batch(self, examples: Sequence[Example]) -> TrainingBatch | None:
        """Make sequences of the texts with masked pieces, and their loss."""
        tokenizer = get_tokenizer(self.model)
        windows, _ = encode_texts(tokenizer, [eg.predicted.text for eg in examples]).split(
            window=self.settings.windows.max_pieces, overlap=0
        )
        joined = join_sequences(tokenizer, windows)
        rows = expand_ranges(joined.first, windows.lengths)
        gold = joined.sequences.input_ids[rows]
        masked = mask_at_random(
            gold,
            probability=self.settings.mask_probability,
            mask_token_id=tokenizer.mask_token_id,
            vocab_size=len(tokenizer),
        )
        if not len(masked.chosen):
            return None
        input_ids = joined.sequences.input_ids.copy()
        input_ids[rows] = masked.ids
        targets = torch.from_numpy(gold[masked.chosen])

        def loss(logits: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(logits, targets.to(logits.device))

        return TrainingBatch(
            replace(joined.sequences, input_ids=input_ids, decoded=rows[masked.chosen]), loss
        )

    def _logits(self, texts: PieceRanges, masks: Ints) -> Iterator[tuple[Ints, torch.Tensor]]:
        """Logits of the vocabulary for masks, in batches, with the indices of the masks."""
        for batch in mask_sequences(self.model, texts, masks, windows=self.settings.windows):
            yield batch.pieces, torch.from_numpy(to_numpy(self.model.predict(batch.sequences)))
