"""Small folders with the files, configs and tokenizers of those that people publish.

Weights are random. Hugging Face's classes write them, and its tokenizers their files, as they did
for the publishers; what its classes don't write is written as the published files are.
"""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentencepiece
import transformers

from tests.checkpoints.test_stand_ins import POINTER
from tests.conftest import SENTENCES
from tests.huggingface import randomize

V3: dict[str, Any] = {
    "vocab_size": 450,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "type_vocab_size": 0,
    "relative_attention": True,
    "position_buckets": 256,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
}
V2: dict[str, Any] = {**V3, "conv_kernel_size": 3, "conv_act": "gelu", "attention_head_size": 16}
CHINESE = "人工智能技术在医疗领域的应用正快速发展。研究团队发布了新模型"


def write_model(
    folder: Path, cls: str, *, as_bin: bool = False, extra: dict[str, Any] | None = None, **config
) -> Path:
    """Write `config.json` and the weights of a class; `extra` is put into the config as it is."""
    settings = transformers.DebertaV2Config(**{**V3, **config})
    model = getattr(transformers, cls)(settings).eval()
    randomize(model)
    model.save_pretrained(folder, safe_serialization=not as_bin)
    edit(folder / "config.json", **(extra or {}))
    return folder


def edit(path: Path, **changes: Any) -> None:
    """Change fields of a JSON file, which may not be there yet."""
    values = json.loads(path.read_text(encoding="utf8")) if path.exists() else {}
    path.write_text(json.dumps({**values, **changes}, ensure_ascii=False), encoding="utf8")


def add_spm(folder: Path, vocabulary: Path, **config: Any) -> None:
    """The slow tokenizer's files."""
    shutil.copy(vocabulary, folder / "spm.model")
    values = {"do_lower_case": False, "vocab_type": "spm", "tokenizer_class": "DebertaV2Tokenizer"}
    edit(folder / "tokenizer_config.json", **{**values, **config})


def add_fast(folder: Path, vocabulary: Path, *, config: dict[str, Any] | None = None, **options):
    """The fast tokenizer's files of transformers 4, `spm.model` among them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fast = transformers.DebertaV2TokenizerFast(vocab_file=str(vocabulary), **options)
    fast.save_pretrained(folder)
    edit(folder / "tokenizer_config.json", **(config or {}))


def id2label(*names: str) -> dict[str, Any]:
    """Names in both directions."""
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: number for number, name in enumerate(names)},
    }


def erlangshen(folder: Path, vocabulary: Path) -> None:
    """IDEA-CCNL/Erlangshen-DeBERTa-v2-97M-Chinese: WordPiece, and a convolution at width 768."""
    special = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = ["he", "##llo", "##e", "w", "##orld", "，", "。", *dict.fromkeys(CHINESE)]
    pieces = list(dict.fromkeys([*special, *words]))
    write_model(folder, "DebertaV2ForMaskedLM", as_bin=True, **{**V2, "vocab_size": len(pieces)})
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf8")
    edit(folder / "tokenizer_config.json", tokenizer_class="BertTokenizer", do_lower_case=True)


def erlangshen_spm(folder: Path, vocabulary: Path) -> None:
    """IDEA-CCNL/Erlangshen-DeBERTa-v2-186M-Chinese-SentencePiece: the marks of other families."""
    write_model(folder, "DebertaV2ForMaskedLM", as_bin=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*SENTENCES, CHINESE]),
        model_prefix=str(folder / "spm"),
        vocab_size=300,
        minloglevel=2,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        hard_vocab_limit=False,
    )
    (folder / "spm.vocab").unlink()
    names = {"unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}
    ends = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fast = transformers.DebertaV2TokenizerFast(str(folder / "spm.model"), **names, **ends)
    (folder / "spm.model").unlink()
    fast.save_pretrained(folder)
    edit(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    # Hugging Face's converter writes the ends of its own family into the template.
    file = folder / "tokenizer.json"
    values = json.loads(file.read_text(encoding="utf8"))
    template = json.dumps(values["post_processor"])
    for theirs, own in (("[CLS]", "<s>"), ("[SEP]", "</s>")):
        template = template.replace(json.dumps(theirs), json.dumps(own))
    values["post_processor"] = json.loads(template)
    for own in ("<s>", "</s>"):
        ids = [fast.convert_tokens_to_ids(own)]
        values["post_processor"]["special_tokens"][own]["ids"] = ids
    file.write_text(json.dumps(values, ensure_ascii=False), encoding="utf8")
    edit(folder / "config.json", pad_token_id=fast.pad_token_id)
    (folder / "spm.model").unlink(missing_ok=True)


def koichi(folder: Path, vocabulary: Path) -> None:
    """KoichiYasuoka/deberta-base-japanese-aozora-ud-head: answers, with models in subfolders."""
    labels = id2label("DET", "NOUN", "VERB")
    write_model(folder, "DebertaV2ForQuestionAnswering", as_bin=True)
    write_model(folder / "tagger", "DebertaV2ForTokenClassification", as_bin=True, **labels)
    write_model(
        folder / "deprel",
        "DebertaV2ForTokenClassification",
        as_bin=True,
        extra={"custom_pipelines": {"universal-dependencies": {"impl": "ud.py"}}},
        **id2label("nsubj", "root"),
    )
    for place in (folder, folder / "tagger", folder / "deprel"):
        add_fast(place, vocabulary, split_by_punct=True)
        (place / "spm.model").write_bytes(b"\n")
    (folder / "maker.py").write_text("raise SystemExit('never run')\n")


def ku_nlp(folder: Path, vocabulary: Path) -> None:
    """ku-nlp/deberta-v2-base-japanese: words are cut beforehand."""
    write_model(folder, "DebertaV2ForMaskedLM", as_bin=True)
    add_spm(folder, vocabulary, keep_accents=True, split_by_punct=False)


def globis(folder: Path, vocabulary: Path) -> None:
    """globis-university/deberta-v3-japanese-base: a tagger's class without its labels."""
    write_model(folder, "DebertaV2ForTokenClassification", as_bin=True)
    add_spm(folder, vocabulary)


def moritz(folder: Path, vocabulary: Path) -> None:
    """MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli: entailment comes first."""
    labels = id2label("entailment", "neutral", "contradiction")
    write_model(folder, "DebertaV2ForSequenceClassification", **labels)
    unknown = {"content": "[UNK]", "normalized": True, "lstrip": False, "rstrip": False}
    cut = {"max_length": 512, "stride": 0, "truncation_side": "right"}
    further = {"truncation_strategy": "longest_first", "model_max_length": 512}
    token = {**unknown, "single_word": False, "__type": "AddedToken"}
    add_fast(folder, vocabulary, config={**cut, **further, "unk_token": token})


def moritz_v2(folder: Path, vocabulary: Path) -> None:
    """MoritzLaurer/deberta-v3-base-zeroshot-v2.0: two labels."""
    labels = id2label("entailment", "not_entailment")
    write_model(folder, "DebertaV2ForSequenceClassification", **labels)
    add_fast(folder, vocabulary)


def cross_encoder(folder: Path, vocabulary: Path) -> None:
    """cross-encoder/nli-deberta-v3-base."""
    labels = id2label("contradiction", "entailment", "neutral")
    write_model(folder, "DebertaV2ForSequenceClassification", as_bin=True, **labels)
    add_spm(folder, vocabulary)
    edit(folder / "CECorrelationEvaluator.json")


def sileod(folder: Path, vocabulary: Path) -> None:
    """sileod/deberta-v3-base-tasksource-nli: fields of a multi-task library."""
    labels = id2label("entailed", "neutral", "contradict")
    extra = {"classifiers_size": [3], "tasks": [""], "dtype": "float32"}
    write_model(folder, "DebertaV2ForSequenceClassification", extra=extra, **labels)
    add_fast(folder, vocabulary)


def open_assistant(folder: Path, vocabulary: Path) -> None:
    """OpenAssistant/reward-model-deberta-v3-base: one number for a question and an answer."""
    config = {"problem_type": "regression", **id2label("REWARD")}
    write_model(folder, "DebertaV2ForSequenceClassification", as_bin=True, **config)
    add_fast(folder, vocabulary, config={"model_max_length": 10**30})


def protectai(folder: Path, vocabulary: Path) -> None:
    """protectai/deberta-v3-base-prompt-injection: a copy for ONNX Runtime beside the weights."""
    labels = id2label("SAFE", "INJECTION")
    write_model(folder, "DebertaV2ForSequenceClassification", **labels)
    add_fast(folder, vocabulary)
    (folder / "onnx").mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, folder / "onnx")
    (folder / "onnx" / "model.onnx").write_bytes(b"\x08\x08")


def blaze999(folder: Path, vocabulary: Path) -> None:
    """blaze999/Medical-NER: everything that a training leaves."""
    labels = id2label("O", "B-DISEASE", "I-DISEASE")
    write_model(folder, "DebertaV2ForTokenClassification", **labels)
    add_fast(folder, vocabulary)
    (folder / "training_args.bin").write_bytes(POINTER)
    (folder / "optimizer.pt").write_bytes(b"\x80\x02c")


# Folders that are read, and what a card says of each: its class there, and which tokenizer it has.
READ: dict[str, tuple[Callable[[Path, Path], None], str, bool]] = {
    "IDEA-CCNL/Erlangshen-97M": (erlangshen, "DebertaV2ForMaskedLM", True),
    "IDEA-CCNL/Erlangshen-186M-SentencePiece": (erlangshen_spm, "DebertaV2ForMaskedLM", True),
    "KoichiYasuoka/ud-head": (koichi, "DebertaV2ForQuestionAnswering", True),
    "ku-nlp/deberta-v2": (ku_nlp, "DebertaV2ForMaskedLM", False),
    "globis-university/deberta-v3": (globis, "DebertaV2ForTokenClassification", False),
    "MoritzLaurer/mnli": (moritz, "DebertaV2ForSequenceClassification", True),
    "MoritzLaurer/zeroshot-v2.0": (moritz_v2, "DebertaV2ForSequenceClassification", True),
    "cross-encoder/nli": (cross_encoder, "DebertaV2ForSequenceClassification", False),
    "sileod/tasksource-nli": (sileod, "DebertaV2ForSequenceClassification", True),
    "OpenAssistant/reward-model": (open_assistant, "DebertaV2ForSequenceClassification", True),
    "protectai/prompt-injection": (protectai, "DebertaV2ForSequenceClassification", True),
    "blaze999/Medical-NER": (blaze999, "DebertaV2ForTokenClassification", True),
}


def sileod_adapters(folder: Path, vocabulary: Path) -> None:
    """sileod/deberta-v3-base-tasksource-adapters: classifiers, and no encoder."""
    globis(folder, vocabulary)
    weights = {"Z.0.weight": [[1.0]], "classifiers.0.weight": [[1.0]]}
    write_tensors(folder / "pytorch_model.bin", weights)


def protectai_onnx(folder: Path, vocabulary: Path) -> None:
    """protectai/deberta-v3-base-prompt-injection-v2-onnx."""
    protectai(folder, vocabulary)
    (folder / "model.safetensors").unlink()


def intel(folder: Path, vocabulary: Path) -> None:
    """Intel/deberta-v3-base-mrpc-int8-static-inc: ONNX, and a tokenizer without spm.model."""
    moritz_v2(folder, vocabulary)
    (folder / "model.safetensors").unlink()
    (folder / "spm.model").unlink()
    (folder / "model.onnx").write_bytes(b"\x08\x08")


def first(folder: Path, vocabulary: Path) -> None:
    """lakshyakh93/deberta_finetuned_pii: the first DeBERTa."""
    globis(folder, vocabulary)
    (folder / "spm.model").unlink()
    edit(
        folder / "config.json",
        model_type="deberta",
        architectures=["DebertaForTokenClassification"],
    )
    (folder / "vocab.json").write_text('{"[CLS]": 0}')
    (folder / "merges.txt").write_text("#version: 0.2\n")


def gliner(folder: Path, vocabulary: Path) -> None:
    """urchade/gliner_small-v2.1: no config of Hugging Face, and no vocabulary."""
    folder.mkdir()
    config = {"model_name": "microsoft/deberta-v3-small", "span_mode": "markerV0", "max_width": 12}
    edit(folder / "gliner_config.json", **config)
    name = "token_rep_layer.bert_layer.model.embeddings.word_embeddings.weight"
    write_tensors(folder / "pytorch_model.bin", {name: [[1.0]]})


def adapters_library(folder: Path, vocabulary: Path) -> None:
    """An adapter of AdapterHub."""
    folder.mkdir()
    config = {"config": {"reduction_factor": 16}, "model_name": "microsoft/deberta-v3-base"}
    edit(folder / "adapter_config.json", **config)
    (folder / "pytorch_adapter.bin").write_bytes(b"PK")


def git_lfs(folder: Path, vocabulary: Path) -> None:
    """Any of them, cloned without Git LFS."""
    blaze999(folder, vocabulary)
    (folder / "model.safetensors").write_bytes(POINTER)


# Folders that are refused, and the message: its code, the kind, and the way out.
REFUSED: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "sileod/tasksource-adapters": (sileod_adapters, r"E339.*no encoder, but only: Z.*complete"),
    "protectai/onnx": (protectai_onnx, "E337.*ONNX Runtime only.*onnx/model.*exported from"),
    "Intel/int8": (intel, r"E337.*ONNX Runtime only.*model\.onnx.*exported from"),
    "lakshyakh93/pii": (first, "E101.*first DeBERTa.*deberta-v3"),
    "urchade/gliner": (gliner, "E338.*GLiNER.*deberta_gliner.*model_name"),
    "adapters": (adapters_library, "E320.*library adapters.*complete checkpoint"),
    "git lfs": (git_lfs, "E326.*pointer of Git LFS.*git lfs pull"),
}


def write_tensors(path: Path, weights: dict[str, list[list[float]]]) -> None:
    """Write a state dict."""
    import torch

    torch.save({name: torch.tensor(value) for name, value in weights.items()}, path)
