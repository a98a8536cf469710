"""Count tokens that are pooled with a piece of another token: our and the stock alignment.

    python -m benchmarks.alignment corpus.spacy --vocabulary spm.model

A piece belongs to a token if they share a character. The stock alignment needs protobuf, with which
transformers converts the vocabulary for its fast tokenizer.
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import spacy
import typer
from spacy.tokens import Doc, DocBin
from wasabi import msg

# Piece indices of every token of a document.
Alignment = list[list[int]]


def align_ours(docs: list[Doc], vocabulary: Path) -> tuple[list[Alignment], list[np.ndarray]]:
    """Pieces of every token, and offsets of every piece, with this package."""
    from spacy_deberta.layers import align_pieces
    from spacy_deberta.tokenization import DebertaV2Tokenizer

    alignments, offsets = [], []
    tokenizer = DebertaV2Tokenizer(vocab_file=vocabulary)
    for doc in docs:
        pieces = tokenizer.encode_batch([doc.text])
        aligned = align_pieces([doc], pieces)
        rows = np.split(aligned.aligned, np.cumsum(aligned.aligned_lengths))[:-1]
        alignments.append([token.tolist() for token in rows])
        offsets.append(np.stack([pieces.starts, pieces.ends], axis=1))
    return alignments, offsets


def align_stock(docs: list[Doc], vocabulary: Path) -> tuple[list[Alignment], list[np.ndarray]]:
    """The same with spacy-transformers and the fast tokenizer."""
    from spacy_transformers.align import get_alignment_via_offset_mapping
    from transformers import DebertaV2TokenizerFast

    alignments, offsets = [], []
    tokenizer = DebertaV2TokenizerFast(vocab_file=str(vocabulary))
    for doc in docs:
        encoded = tokenizer(doc.text, return_offsets_mapping=True, add_special_tokens=False)
        mapping = np.array(encoded["offset_mapping"], dtype=np.int64).reshape(-1, 2)
        batch: Any = mapping[None]
        align = get_alignment_via_offset_mapping([doc[:]], batch)
        rows = np.split(np.asarray(align.dataXd), np.cumsum(np.asarray(align.lengths)))[:-1]
        alignments.append([token.tolist() for token in rows])
        # The offsets include the space before a piece, which does not count as its character.
        starts = [
            start + len(doc.text[start:end]) - len(doc.text[start:end].lstrip())
            for start, end in mapping
        ]
        offsets.append(np.stack([np.array(starts, dtype=np.int64), mapping[:, 1]], axis=1))
    return alignments, offsets


def count(
    docs: list[Doc], alignments: list[Alignment], offsets: list[np.ndarray]
) -> tuple[int, int]:
    """Count the tokens with a piece of another token, and those that lack one of their own."""
    leaking = lost = 0
    for doc, alignment, pieces in zip(docs, alignments, offsets, strict=True):
        for token, rows in zip(doc, alignment, strict=True):
            own = (pieces[:, 0] < token.idx + len(token)) & (pieces[:, 1] > token.idx)
            own &= pieces[:, 1] > pieces[:, 0]
            expected = set(np.flatnonzero(own).tolist())
            leaking += bool(set(rows) - expected)
            lost += bool(expected - set(rows))
    return leaking, lost


def main(
    corpus: Annotated[Path, typer.Argument(help="A .spacy file", exists=True)],
    vocabulary: Annotated[Path, typer.Option(help="A SentencePiece model", exists=True)],
) -> None:
    """Count tokens that are pooled with a piece of another."""
    docs = list(DocBin().from_disk(corpus).get_docs(spacy.blank("en").vocab))
    tokens = sum(map(len, docs))
    rows = []
    for name, align in (("stock", align_stock), ("ours", align_ours)):
        leaking, lost = count(docs, *align(docs, vocabulary))
        rows.append((name, f"{leaking / tokens:.1%}", f"{lost / tokens:.1%}"))
    msg.info(f"{len(docs)} documents, {tokens} tokens")
    msg.table(rows, header=("alignment", "leaking", "lost"), divider=True)


if __name__ == "__main__":
    typer.run(main)
