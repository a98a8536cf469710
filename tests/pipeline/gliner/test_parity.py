"""Entities and scores, compared with those of gliner 0.2.29 on the same folder."""

import pytest

from .gliners import assert_equal, copy_folder, find, make_bare, make_pipeline


@pytest.fixture(scope="module")
def nlp(folder):
    return make_pipeline(folder)


def check_cases(nlp, expected):
    for case in expected["cases"]:
        for answer in case["predictions"]:
            (found,) = find(
                nlp,
                [case["text"]],
                case["labels"],
                answer["threshold"],
                nested=not answer["flat_ner"],
                multi_label=answer["multi_label"],
            )
            assert_equal(found, answer["entities"])


def test_flat_nested_and_multi_label_at_all_thresholds(nlp, expected):
    check_cases(nlp, expected)


def test_texts_of_a_batch(nlp, expected):
    shared = expected["shared_labels"]
    texts = [case["text"] for case in expected["cases"]]
    found = find(nlp, texts, shared["labels"], shared["threshold"])
    for entities, wanted in zip(found, shared["entities"], strict=True):
        assert_equal(entities, wanted)


def test_descriptions_are_read_instead_of_labels(nlp, expected):
    case = expected["descriptions"]
    (found,) = find(nlp, [case["text"]], case["labels"], descriptions=case["labels"])
    assert_equal(found, case["entities"])


def test_long_and_empty_texts(nlp, expected):
    case = expected["long"]
    (found,) = find(nlp, [case["text"]], case["labels"], case["threshold"])
    assert_equal(found, case["entities"])
    case = expected["empty"]
    found = find(nlp, case["texts"], case["labels"], 0.0)
    for entities, wanted in zip(found, case["entities"], strict=True):
        assert_equal(entities, wanted)
    assert find(nlp, ["Mira left."], []) == [[]]


@pytest.mark.slow
def test_a_bare_folder_takes_vocabulary_and_config_of_its_encoder(folder, expected, tmp_path):
    bare = make_bare(folder, tmp_path / "bare", tmp_path / "encoder")
    check_cases(make_pipeline(bare), expected)
    (tmp_path / "encoder").rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError, match=r"E363.*as 'base'"):
        make_pipeline(bare)
    model = {"base": str(tmp_path / "moved")}
    check_cases(make_pipeline(bare, model=model), expected)


def test_a_folder_with_tokenizer_json_only(nlp, folder, expected, tmp_path):
    tokenizer = nlp.get_pipe("deberta_gliner").model.layers[0].shims[0].tokenizer
    other = copy_folder(folder, tmp_path / "other")
    tokenizer.with_split_special_tokens(False).save_pretrained(other)
    (other / "spm.model").unlink()
    check_cases(make_pipeline(other), expected)


def test_keys_of_other_releases_do_not_change_the_result(folder, expected, tmp_path):
    changed = copy_folder(folder, tmp_path / "g", has_rnn=False, num_rnn_layers=0, unknown=[1])
    check_cases(make_pipeline(changed), expected)
