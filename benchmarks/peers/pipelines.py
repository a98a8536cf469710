"""The components, optimizer and documents that both sides share."""

from collections.abc import Sequence
from typing import Any

from spacy.tokens import Doc
from thinc.api import Adam, Optimizer

from benchmarks.measures.corpora import make_examples

LISTENERS = {
    "ours": "spacy-deberta.TransformerListener.v1",
    "stock": "spacy-transformers.TransformerListener.v1",
}
MODELS: dict[str, dict[str, Any]] = {
    "ner": {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 64,
        "maxout_pieces": 2,
        "use_upper": False,
        "nO": None,
    },
    "tagger": {"@architectures": "spacy.Tagger.v2", "nO": None},
}


def add_heads(nlp: Any, heads: Sequence[str], docs: list[Doc] | None, *, side: str) -> None:
    """Add components that listen to the encoder, and initialize the pipeline.

    Args:
        nlp: Has the component `transformer` only.
        heads: Names of components, `ner` or `tagger`, optionally with a number: `tagger_1`.
        docs: Documents with entities, for the labels of the components.
        side: Whose listener they have: "ours", or "stock" for that of spacy-transformers.
    """
    tok2vec = {
        "@architectures": LISTENERS[side],
        "grad_factor": 1.0,
        "upstream": "*",
        "pooling": {"@layers": "reduce_mean.v1"},
    }
    for name in heads:
        factory = name.partition("_")[0]
        nlp.add_pipe(factory, name=name, config={"model": {**MODELS[factory], "tok2vec": tok2vec}})
    if not heads:
        nlp.initialize()
        return
    shown = []
    for doc in docs or []:
        copied = doc.copy()
        for token in copied:
            token.tag_ = f"LENGTH_{min(len(token), 9)}"
        shown.append(copied)
    nlp.initialize(lambda: make_examples(nlp, shown))


def make_optimizer() -> Optimizer:
    """The optimizer of `spacy init config --gpu`, at its peak learning rate."""
    return Adam(
        5e-5,
        beta1=0.9,
        beta2=0.999,
        eps=1e-8,
        L2=0.01,
        grad_clip=1.0,
        L2_is_weight_decay=True,
        use_averages=False,
    )
