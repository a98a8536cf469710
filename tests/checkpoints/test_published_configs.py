"""What stands in published configs: code that is never run, labels with gaps, types, no limits."""

import json
import warnings

import pytest
import torch
import transformers

from spacy_deberta.checkpoints import find_checkpoint, read_config
from spacy_deberta.models import DebertaV2ForSequenceClassification, DebertaV2Model
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.checkpoints.publishers import add_fast, add_spm, edit, id2label, write_model
from tests.pipeline.checkpoints import make_pipeline

SEQUENCES = "DebertaV2ForSequenceClassification"


@pytest.fixture
def folder(tmp_path, tiny_vocabulary):
    """A sequence classifier of three labels."""
    write_model(tmp_path / "model", SEQUENCES, **id2label("A", "B", "C"))
    add_spm(tmp_path / "model", tiny_vocabulary)
    return tmp_path / "model"


def attack(folder):
    (folder / "modeling_own.py").write_text("raise SystemExit('code of a checkpoint was run')")


@pytest.mark.parametrize("value", [{"AutoModel": "modeling_own.Model"}, {"AutoConfig": "x--y.Z"}])
def test_code_of_a_model_is_not_run(value, folder):
    attack(folder)
    edit(folder / "config.json", auto_map=value)
    with pytest.warns(UserWarning, match=rf"W304.*{next(iter(value))}.*never run"):
        DebertaV2Model.from_pretrained(folder)


def test_code_of_a_tokenizer_is_not_run(folder, tiny_tokenizer):
    attack(folder)
    code = {"AutoTokenizer": ["modeling_own.DebertaV2Tokenizer", None]}
    edit(folder / "tokenizer_config.json", auto_map=code)
    with pytest.warns(UserWarning, match="W305.*AutoTokenizer.*never run.*words first"):
        tokenizer = DebertaV2Tokenizer.from_pretrained(folder)
    text = "The committee adopted the report."
    assert tokenizer.tokenize(text) == tiny_tokenizer.tokenize(text)


@pytest.mark.parametrize("value", [None, {}, [], "text", 5])
def test_no_code_is_no_warning(value, folder):
    edit(folder / "config.json", auto_map=value)
    edit(folder / "tokenizer_config.json", auto_map=value)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        DebertaV2Model.from_pretrained(folder)
        DebertaV2Tokenizer.from_pretrained(folder)


@pytest.mark.parametrize("names", [{"0": "A", "2": "B", "5": "C"}, {"1": "A", "2": "B", "3": "C"}])
def test_labels_with_gaps(names, folder):
    edit(folder / "config.json", id2label=names, label2id={n: int(i) for i, n in names.items()})
    with pytest.warns(UserWarning, match=f"W306.*{', '.join(names)}, and not 0 to 2"):
        nlp, pipe = make_pipeline("deberta_sequence_classifier", model={"name": str(folder)})
    assert pipe.labels == ("A", "B", "C")
    text = "Nobody expected the small team."
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.DebertaV2Tokenizer.from_pretrained(folder)
    with torch.no_grad():
        expected = theirs(**tokenizer(text, return_tensors="pt")).logits.softmax(1)[0]
    assert list(nlp(text).cats.values()) == pytest.approx(expected.tolist(), abs=1e-4)


def test_labels_in_another_order(folder):
    edit(folder / "config.json", id2label={"2": "C", "0": "A", "1": "B"})
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        config = read_config(find_checkpoint(folder))
    _, pipe = make_pipeline("deberta_sequence_classifier", model={"name": str(folder)})
    assert pipe.labels == ("A", "B", "C")
    assert config.id2label == {0: "A", 1: "B", 2: "C"}


def test_fewer_names_than_outputs(folder):
    edit(folder / "config.json", id2label={"0": "A", "2": "C"})
    with (
        pytest.warns(UserWarning, match="W306"),
        pytest.raises(ValueError, match="E307.*classifier"),
    ):
        DebertaV2ForSequenceClassification.from_pretrained(folder)


@pytest.mark.parametrize(
    "keys",
    [
        {"dtype": "bfloat16", "torch_dtype": None},
        {"dtype": "float16", "torch_dtype": "float32"},
        {"dtype": "no dtype at all"},
        {"dtype": 5},
        {"quantization_config": None},
    ],
)
def test_the_dtype_is_that_of_the_files(keys, folder):
    expected = DebertaV2Model.from_pretrained(folder).state_dict()
    edit(folder / "config.json", **keys)
    model = DebertaV2Model.from_pretrained(folder)
    assert model.dtype == torch.float32
    assert all(tensor.equal(expected[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("limit", [10**30, 1e30, int(1e30), 1e19])
def test_no_limit(limit, folder):
    edit(folder / "tokenizer_config.json", model_max_length=limit)
    tokenizer = DebertaV2Tokenizer.from_pretrained(folder)
    text = "soup " * 600
    ids = tokenizer(text, truncation=False)["input_ids"]
    assert ids == transformers.DebertaV2Tokenizer.from_pretrained(folder)(text)["input_ids"]
    assert len(ids) > 602


@pytest.mark.parametrize("problem_type", [None, "regression"])
def test_one_label_is_a_score(problem_type, tmp_path, tiny_vocabulary):
    folder = write_model(tmp_path / "model", SEQUENCES, num_labels=1)
    add_fast(folder, tiny_vocabulary)
    edit(folder / "config.json", problem_type=problem_type, id2label={"0": "LABEL_0"})
    nlp, _ = make_pipeline("deberta_sequence_classifier", model={"name": str(folder)})
    theirs = transformers.pipeline("text-classification", model=str(folder))
    text = "The camera of the new phone is superb."
    (expected,) = theirs([text], function_to_apply="none")
    assert nlp(text).cats == pytest.approx({"LABEL_0": expected["score"]}, abs=1e-4)


def test_a_pair_in_one_text(folder):
    """`[SEP]` in a text is text, so a pair has to be given as one."""
    tokenizer = DebertaV2Tokenizer.from_pretrained(folder)
    sep = tokenizer.sep_token_id
    in_one = tokenizer("A question? [SEP] An answer.")["input_ids"]
    assert in_one.count(sep) == 1
    theirs = transformers.DebertaV2Tokenizer.from_pretrained(folder)
    pair = tokenizer("A question?", "An answer.")
    assert pair["input_ids"] == theirs("A question?", "An answer.")["input_ids"]
    assert pair["input_ids"].count(sep) == 2


def test_fields_of_others_are_kept(folder, tmp_path):
    further = {
        "classifiers_size": [3],
        "tasks": [""],
        "custom_pipelines": {"ud": {"impl": "ud.py"}},
    }
    edit(folder / "config.json", **further)
    DebertaV2ForSequenceClassification.from_pretrained(folder).save_pretrained(tmp_path / "saved")
    saved = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert further.items() <= saved.items()


def test_names_and_numbers_that_contradict_each_other(folder):
    edit(
        folder / "config.json",
        id2label={"0": "NEG", "1": "NEUTRAL", "2": "POS"},
        label2id={"NEG": 2, "NEUTRAL": 1, "POS": 0},
    )
    with pytest.warns(UserWarning, match="W307.*'NEG', 'POS'"):
        _, pipe = make_pipeline("deberta_sequence_classifier", model={"name": str(folder)})
    config = transformers.AutoConfig.from_pretrained(folder)
    assert pipe.labels == tuple(config.id2label[i] for i in range(3))


def test_overrides_with_gaps(folder):
    names = {1: "NEG", 2: "NEUTRAL", 3: "POS"}
    with pytest.warns(UserWarning, match="W306.*config_overrides.*1, 2, 3"):
        DebertaV2ForSequenceClassification.from_pretrained(
            folder, config_overrides={"id2label": names}
        )
