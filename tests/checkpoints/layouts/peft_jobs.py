"""Adapters of all forms that a LoRA of PEFT can have, for `peft_side.py` to make."""

from typing import Any

from tests.huggingface import VARIANTS

_SMALL = {
    "vocab_size": 50,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "position_buckets": 4,
    "max_position_embeddings": 32,
}
V3 = {**VARIANTS["v3"], **_SMALL}
V2 = {**VARIANTS["v2"], **_SMALL, "attention_head_size": 4}

_ENCODER = {"config": V3, "base_class": "DebertaV2Model"}
_HEAD = {"modules_to_save": ["pooler", "classifier"]}
_ATTENTION = {"r": 2, "lora_alpha": 5, "target_modules": ["query_proj", "value_proj"]}


def _sequence(**lora: Any) -> dict[str, Any]:
    return {
        **_ENCODER,
        "cls": "DebertaV2ForSequenceClassification",
        "labels": 3,
        "lora": {"task_type": "SEQ_CLS", **_ATTENTION, **_HEAD, **lora},
    }


def _tokens(**lora: Any) -> dict[str, Any]:
    return {
        **_ENCODER,
        "cls": "DebertaV2ForTokenClassification",
        "labels": 5,
        "lora": {"task_type": "TOKEN_CLS", **_ATTENTION, **lora},
    }


JOBS: dict[str, dict[str, Any]] = {
    "sequence": _sequence(),
    "sequence_bin": {**_sequence(), "safe_serialization": False},
    "sequence_on_a_head": {
        **_sequence(modules_to_save=None, bias="all"),
        "base_class": "DebertaV2ForSequenceClassification",
        "labels": None,
    },
    "sequence_new_labels": {
        **_sequence(use_rslora=True),
        "base_class": "DebertaV2ForSequenceClassification",
        "labels": 4,
    },
    "tokens": _tokens(),
    "tokens_rslora": _tokens(use_rslora=True, r=3),
    "tokens_regex": _tokens(target_modules=r".*\.attention\.self\.(query|key)_proj"),
    "tokens_patterns": _tokens(
        target_modules=["query_proj", "key_proj", "dense"],
        rank_pattern={"query_proj": 3, r"layer\.0\.intermediate\.dense": 4},
        alpha_pattern={"key_proj": 7, r".*output\.dense": 1},
    ),
    "tokens_transposed": _tokens(fan_in_fan_out=True),
    "tokens_bias": _tokens(bias="lora_only", lora_bias=True),
    "tokens_embeddings": _tokens(target_modules=["word_embeddings", "query_proj"]),
    "sequence_in_the_pooler": _sequence(target_modules=["dense"]),
    "features": {
        **_ENCODER,
        "cls": "DebertaV2Model",
        "lora": {"task_type": "FEATURE_EXTRACTION", **_ATTENTION},
    },
    "features_all_linear": {
        **_ENCODER,
        "cls": "DebertaV2Model",
        "lora": {**_ATTENTION, "target_modules": "all-linear"},
    },
    "features_without_a_task": {**_ENCODER, "cls": "DebertaV2Model", "lora": _ATTENTION},
    "convolution": {
        "config": V2,
        "base_class": "DebertaV2Model",
        "cls": "DebertaV2Model",
        "lora": {**_ATTENTION, "target_modules": ["conv.conv", "query_proj"]},
    },
    "answers": {
        **_ENCODER,
        "cls": "DebertaV2ForQuestionAnswering",
        "lora": {"task_type": "QUESTION_ANS", **_ATTENTION, "modules_to_save": ["qa_outputs"]},
    },
}
