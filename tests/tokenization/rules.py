"""Rules for the offsets of all texts, with the normalizer on single characters."""

from functools import cache

import sentencepiece


class OffsetRules:
    """The rules for one vocabulary.

    They normalize the characters of each piece with SentencePiece, out of context, and so don't
    depend on how the offsets were found.
    """

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model_proto)
        self.normalize = cache(self.processor.Normalize)

    def vanishes(self, character: str) -> bool:
        return self.normalize(character) == ""

    def check(self, text: str, ids, starts, ends) -> None:
        pieces = list(
            zip(
                self.tokenizer.convert_ids_to_tokens(ids.tolist()),
                ids.tolist(),
                starts.tolist(),
                ends.tolist(),
                strict=True,
            )
        )
        # Where the next piece starts that isn't a space.
        following = [len(text)] * len(pieces)
        for i in range(len(pieces) - 1, 0, -1):
            _, _, start, end = pieces[i]
            following[i - 1] = start if end > start else following[i]
        covered = [False] * len(text)
        previous_start = previous_end = 0
        chunks = None
        for i, (piece, piece_id, start, end) in enumerate(pieces):
            where = (text, pieces, i)
            assert 0 <= start <= end <= len(text), where
            assert start >= previous_start, where
            if piece.strip("▁") == "":
                assert start == end, where
                continue
            assert start < end, where
            covered[start:end] = [True] * (end - start)
            assert not self.vanishes(text[start]), where
            assert not self.vanishes(text[end - 1]), where
            inside = self.normalize(text[start:end]).strip("▁")
            shared = start < previous_end or following[i] < end
            if start < previous_end:
                # Only if several pieces come from one unit of the normalizer.
                chunks = chunks or set(self.processor.Normalize(text, with_offsets=True)[1])
                assert sum(c in chunks for c in range(start, previous_end)) == 1, where
            if not self.processor.IsByte(piece_id) and not self.processor.IsUnknown(piece_id):
                surface = piece.strip("▁")
                assert surface in inside if shared else surface == inside, where
            previous_start, previous_end = start, end
        lost = [c for c, is_covered in zip(text, covered, strict=True) if not is_covered]
        assert all(self.vanishes(c) for c in lost), (text, pieces, lost)
