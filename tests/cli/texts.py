"""Texts that are hard to align or to show."""

TEXTS = {
    "words": "The committee adopted the report.",
    "empty": "",
    "whitespace": "  \n\t ",
    "double spaces": " left  Rotterdam \n on Friday ",
    "contraction": "Nobody can't vote, she 'didn't'.",
    "unknown characters": "soup 🙂 字 ½ é",
    "joined emoji": "👩\u200d💻 and 🏳️\u200d🌈",
    "special tokens": "[CLS] the [SEP] <b>&amp;</b> [MASK]",
    "right to left": "שלום עולם, 12 \u202eabc\u202c",
    "control characters": "the\x1b[31m cup\x07 \u200b\ufeff of",
}
