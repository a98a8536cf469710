"""Difficult texts for tokenizers."""

import random

PROBES = [
    "",
    " ",
    " \n\t ",
    "Hello world",
    " Hello  world ",
    "I was born in 92000, and this is falsé!",
    "½ cup, ¾ full",
    "ﬁne ﬂight",
    "wait…",
    "Ａｂｃ １２３",
    "a\xa0b\u3000c\u2003d",
    "a\u200bb\ufeffc\u200ed",
    "cafe\u0301 café",
    "A\u0302\u0300 o\u0323\u0302",
    "\u1100\u1161\u11a8 각 ㄱㅏ",
    "カ\u3099キ\uff9e ｶﾞ が",
    "𝔘𝔫𝔦 𝒳",
    "👩‍👩‍👧‍👦 🤷🏽‍♂️ 🇩🇪 ❤️",
    "a\x00b\x01\x02c\x7f",
    "\x01a \x02 b\x03 \x04",
    "x▁y ▁z▁ ▁",
    "¨a ¸ ͺ ﷺ b",
    "ﷺ",
    "a\u0338 =\u0338 \u0338",
    "\u0301\u0301",
    "İstanbul IİıI ΟΔΥΣΣΕΥΣ ẞ Ǆ",
    "漢字かな交じり文。",
    "[CLS] [SEP][MASK] [UNK] [PAD] <0x41> <s> [MASK]",
    "don't stop (now), ok? $5.00 ^_^ “quote” ‐ – —",
    "\U000e0001\U0010ffff\ue000\ufffe",
    "\ufffda\ufffd",
    "\u0600\u06dd \u0915\u093c",
    "line one\nline two\n\nline four\r\nline six\ttab",
    "trailing   ",
    "\u00ad soft\u00adhyphen",
]

_WORDS = ["the", "of", "banks", "Straße", "naïve", "don't", "3.14", "U.S.", "e-mail", "[SEP]"]
_WORDS += ["#tag", "@user", "http://a.b/c?d=e"]
_SPACES = [" ", " ", " ", "  ", "\n", "\t", "\xa0", "\u3000", "\u200b", "\r\n", "\x0b", "\u2028"]
_MARKS = [chr(c) for c in (*range(0x300, 0x370), 0x3099, 0x309A, 0xFF9E, 0x1161, 0x11A8, 0x200D)]
_BLOCKS = [
    (0x00, 0x7F),
    (0x80, 0x24F),
    (0x370, 0x5FF),
    (0x600, 0x1FFF),
    (0x2000, 0x2BFF),
    (0x3000, 0x33FF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0xE000, 0xFFFF),
    (0x10000, 0x1FFFF),
    (0x20000, 0x3FFFF),
    (0xE0000, 0x10FFFF),
]


def random_strings(count: int, rng: random.Random) -> list[str]:
    """Mix words, all kinds of whitespace, every plane, combining sequences."""
    return ["".join(_part(rng) for _ in range(rng.randint(1, 14))) for _ in range(count)]


def english(count: int) -> list[str]:
    """Fixed sentences of made-up words."""
    rng = random.Random(1)
    syllables = [c + v for c in "bdfgklmnprstvw" for v in "aeiou"]
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(400)]
    lines = [" ".join(rng.choices(words, k=rng.randint(3, 12))) for _ in range(count)]
    return [f"{line.capitalize()}, {rng.randint(0, 99)} {rng.choice(words)}." for line in lines]


def _part(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.35:
        return rng.choice(_WORDS)
    if kind < 0.6:
        return rng.choice(_SPACES)
    if kind < 0.75:
        return _character(rng) + "".join(rng.choices(_MARKS, k=rng.randint(1, 3)))
    return "".join(_character(rng) for _ in range(rng.randint(1, 3)))


def _character(rng: random.Random) -> str:
    first, last = rng.choice(_BLOCKS)
    return chr(rng.randint(first, last))
