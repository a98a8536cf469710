"""Runs in an environment with the package gliner: makes small checkpoints, and answers with them.

    python gliner_side.py build FOLDER spm.model    # checkpoints, each with its expected.json
    python gliner_side.py answer FOLDER             # entities of an existing folder, as JSON

Weights are random, so that entities mean nothing; another implementation has to give the same.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")

import torch
from gliner import GLiNER
from gliner.config import UniEncoderSpanConfig, UniEncoderTokenConfig
from gliner.model import UniEncoderSpanGLiNER, UniEncoderTokenGLiNER
from safetensors.torch import save_file
from sentencepiece import SentencePieceProcessor
from transformers import AutoTokenizer

MARKERS = ["[FLERT]", "<<ENT>>", "<<SEP>>"]
ENCODER = {
    "model_type": "deberta-v2",
    "attention_probs_dropout_prob": 0.0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.0,
    "hidden_size": 8,
    "initializer_range": 0.02,
    "intermediate_size": 16,
    "layer_norm_eps": 1e-07,
    "max_position_embeddings": 512,
    "max_relative_positions": -1,
    "norm_rel_ebd": "layer_norm",
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "pad_token_id": 0,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "position_buckets": 256,
    "relative_attention": True,
    "share_att_key": True,
    "type_vocab_size": 0,
}
COMMON = {
    "dropout": 0.0,
    "embed_ent_token": True,
    "ent_token": "<<ENT>>",
    "fine_tune": True,
    "fuse_layers": False,
    "labels_encoder": None,
    "labels_encoder_config": None,
    "max_len": 384,
    "max_neg_type_ratio": 1,
    "max_types": 25,
    "model_name": "microsoft/deberta-v3-small",
    "name": "gliner",
    "sep_token": "<<SEP>>",
    "subtoken_pooling": "first",
    "words_splitter_type": "whitespace",
}
CHECKPOINTS = {
    "span": {"span_mode": "markerV0", "max_width": 5, "hidden_size": 12, "num_rnn_layers": 1},
    "token": {"span_mode": "token_level", "max_width": 5, "hidden_size": 8, "num_rnn_layers": 0},
    "marker": {"span_mode": "marker", "max_width": 1, "hidden_size": 8, "num_rnn_layers": 2},
}
CASES = [
    ["Mira Okafor left Halden Freight in Rotterdam on 3 March 2021.", ["person", "city", "date"]],
    ["Dr. O'Neill-Smith didn't sell state-of-the-art e_mail servers.", ["Person Name", "product"]],
    ["Paris", ["city", "means of transport", "time of day", "person"]],
    ["  Leading   spaces,\ttabs and\n\nline breaks.  ", ["thing", "sign"]],
]
THRESHOLDS = (0.3, 0.5, 0.9)
TRAINING: list[dict[str, Any]] = [
    {
        "tokenized_text": ["Mira", "Okafor", "left", "Halden", "Freight", "in", "Rotterdam", "."],
        "ner": [[0, 1, "person"], [3, 4, "company"], [6, 6, "city"]],
        "ner_labels": ["person", "city", "company", "date"],
    },
    {
        "tokenized_text": ["The", "train", "to", "Lyon", "leaves", "at", "noon", "."],
        "ner": [[3, 3, "city"], [3, 3, "place"]],
        "ner_labels": ["place", "city"],
    },
    {"tokenized_text": ["Nothing", "here", "."], "ner": [], "ner_labels": ["person", "city"]},
]
LOSSES = [
    {"alpha": -1.0, "gamma": 0.0, "reduction": "sum"},
    {"alpha": 0.75, "gamma": 2.0, "reduction": "mean"},
    {"alpha": 0.75, "gamma": 2.0, "reduction": "sum", "label_smoothing": 0.1, "prob_margin": 0.05},
]


def build(folder: Path, vocabulary: Path) -> None:
    for number, (name, settings) in enumerate(CHECKPOINTS.items()):
        target = folder / name
        rows = write_vocabulary(target, vocabulary)
        token_level = settings["span_mode"] == "token_level"
        config = (UniEncoderTokenConfig if token_level else UniEncoderSpanConfig)(
            **COMMON,
            **settings,
            encoder_config={**ENCODER, "vocab_size": rows},
            class_token_index=rows - 2,
            vocab_size=rows,
        )
        model = (UniEncoderTokenGLiNER if token_level else UniEncoderSpanGLiNER)(
            config,
            tokenizer=AutoTokenizer.from_pretrained(target),
            backbone_from_pretrained=False,
        )
        set_weights(model.model, seed=20 + number)
        state = model.model.state_dict().items()
        save_file({key: x.half().contiguous() for key, x in state}, target / "model.safetensors")
        values = {**COMMON, **settings, "class_token_index": rows - 2, "vocab_size": rows}
        encoder = {**ENCODER, "vocab_size": rows}
        write(target / "gliner_config.json", {**values, "encoder_config": encoder})
        loaded = GLiNER.from_pretrained(str(target), local_files_only=True)
        expected = {"cases": answer(loaded), "examples": TRAINING, "training": train(loaded)}
        write(target / "expected.json", expected)


def write_vocabulary(target: Path, vocabulary: Path) -> int:
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(vocabulary, target / "spm.model")
    pieces = SentencePieceProcessor(model_file=str(vocabulary)).get_piece_size()
    added = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3}
    added |= {token: pieces + i for i, token in enumerate(["[MASK]", *MARKERS])}
    flags: dict[str, bool | str] = dict.fromkeys(
        ("lstrip", "normalized", "rstrip", "single_word"), False
    )
    roles = {"bos": "CLS", "cls": "CLS", "eos": "SEP", "sep": "SEP", "unk": "UNK"}
    roles |= {"pad": "PAD", "mask": "MASK"}
    config = {
        "added_tokens_decoder": {
            str(i): {"content": token, **flags, "special": True} for token, i in added.items()
        },
        **{f"{role}_token": f"[{token}]" for role, token in roles.items()},
        "do_lower_case": False,
        "split_by_punct": False,
        "tokenizer_class": "DebertaV2Tokenizer",
        "vocab_type": "spm",
    }
    write(target / "tokenizer_config.json", config)
    write(target / "added_tokens.json", {t: i for t, i in added.items() if i >= pieces})
    return pieces + 1 + len(MARKERS)


@torch.no_grad()
def set_weights(module: torch.nn.Module, *, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(module.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if "LayerNorm" in name:
            value = 0.1 * noise + name.endswith("weight")
        elif parameter.dim() < 2:
            # Otherwise hardly a word starts and ends an entity.
            value = 0.1 * noise + 1.5 * (name == "scorer.out_mlp.3.bias")
        else:
            value = noise * (0.5 if "embeddings" in name else 1.6 * parameter.shape[-1] ** -0.5)
        parameter.copy_(value.half().float())


def answer(model: GLiNER) -> list[dict]:
    answers = []
    for text, labels in CASES:
        for threshold in THRESHOLDS:
            for flat in (True, False):
                (found,) = model.inference(
                    [text], labels, threshold=threshold, flat_ner=flat, multi_label=not flat
                )
                spans = [[e["start"], e["end"], e["label"], round(e["score"], 7)] for e in found]
                settings = {"threshold": threshold, "flat": flat}
                answers.append({"text": text, "labels": labels, **settings, "entities": spans})
    return answers


def train(model: GLiNER) -> list[dict]:
    collator = model._create_data_collator()
    model.eval()
    answers = []
    for settings in LOSSES:
        batch = collator([dict(example) for example in TRAINING])
        batch.pop("token_type_ids", None)
        model.zero_grad(set_to_none=True)
        output = model.model(**batch, **settings)
        output.loss.backward()
        gradients = {
            name: float(parameter.grad.norm())
            for name, parameter in model.model.named_parameters()
            if parameter.grad is not None
        }
        loss = float(output.loss.detach())
        answers.append({"settings": settings, "loss": loss, "gradients": gradients})
    return answers


def write(path: Path, values: object) -> None:
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1] == "build":
        build(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        loaded = GLiNER.from_pretrained(sys.argv[2], local_files_only=True)
        print(json.dumps(answer(loaded)))
