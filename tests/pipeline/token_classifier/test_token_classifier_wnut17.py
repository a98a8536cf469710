"""Entities on WNUT-17, compared with a direct implementation on Hugging Face's logits."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import spacy
import torch
import transformers
from transformers.pipelines.token_classification import AggregationStrategy

from spacy_deberta import DebertaV2ForTokenClassification
from spacy_deberta.nn import DebertaV2Config
from tests.pipeline.conlleval import read_spans, read_tag

pytestmark = pytest.mark.slow

TYPES = ("corporation", "creative-work", "group", "location", "person", "product")
LETTERS = {"BIO": "BI", "BIOES": "BIES", "BILUO": "BILU"}
SCHEMES = (*LETTERS, "plain")
STRATEGIES = ("first", "average", "max", "simple")
MODES = ("expand", "contract", "strict")


def labels_of(scheme):
    if scheme == "plain":
        return ["O", *TYPES]
    return ["O", *(f"{letter}-{type_}" for type_ in TYPES for letter in LETTERS[scheme])]


class Checkpoint:
    """A small checkpoint with random weights and the original vocabulary, in both libraries."""

    def __init__(self, folder, scheme, tiny_config, tokenizer):
        config = DebertaV2Config.from_dict({**tiny_config, "vocab_size": 128100})
        model = DebertaV2ForTokenClassification(config.with_labels(labels_of(scheme)))
        model.init_weights(torch.Generator().manual_seed(3))
        with torch.no_grad():  # about half of the pieces are outside, unlike in real text
            model.classifier.bias[0] += 1.5
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        self.tokenizer = tokenizer
        self.labels = labels_of(scheme)
        self.prefixes = scheme != "plain"
        self.oracle = transformers.DebertaV2ForTokenClassification.from_pretrained(folder).eval()
        self.nlp = spacy.blank("en")
        self.component = self.nlp.add_pipe(
            "deberta_token_classifier",
            config={
                "annotate": "spans",
                "model": {
                    "@architectures": "spacy-deberta.DebertaV2WithHead.v1",
                    "head": "token_classification",
                    "name": str(folder),
                },
            },
        )
        self.nlp.initialize()

    def logits(self, text):
        """Of each piece, with the characters of the pieces."""
        ((ids, starts, ends),) = self.tokenizer.encode_batch([text])
        special = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        with torch.no_grad():
            output = self.oracle(torch.tensor([[special[0], *ids.tolist(), special[1]]]))
        return ids, starts.tolist(), ends.tolist(), output.logits[0, 1:-1].softmax(-1).numpy()


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory, tiny_config, v3_tokenizer):
    made = {}

    def get(scheme):
        if scheme not in made:
            folder = tmp_path_factory.mktemp(scheme)
            made[scheme] = Checkpoint(folder, scheme, tiny_config, v3_tokenizer)
        return made[scheme]

    return get


@pytest.fixture(scope="module")
def texts(real_docs):
    """Some of the texts, with the tokens of WNUT-17 and with those of spaCy."""
    own = real_docs("wnut17")[::80]
    nlp = spacy.blank("en")
    return [*own, *(nlp.make_doc(doc.text) for doc in own)]


def plain_units(doc, starts, ends, probabilities, strategy):
    """Character offsets and a distribution for each unit, for tokens or for pieces."""
    tokens = [(token.idx, token.idx + len(token)) for token in doc]
    units = []
    if strategy == "simple":
        for start, end, row in zip(starts, ends, probabilities, strict=True):
            if any(start < token_end and token_start < end for token_start, token_end in tokens):
                units.append((start, end, row))
        return units
    groups = []
    for token_start, token_end in tokens:
        own = [k for k in range(len(starts)) if starts[k] < token_end and token_start < ends[k]]
        own = [k for k in own if starts[k] < ends[k]]
        if own and groups and groups[-1][2][0] == own[0]:
            groups[-1] = (groups[-1][0], token_end, sorted({*groups[-1][2], *own}))
        elif own:
            groups.append((token_start, token_end, own))
    for start, end, own in groups:
        rows = probabilities[own]
        if strategy == "first":
            units.append((start, end, rows[0]))
        elif strategy == "average":
            units.append((start, end, rows.mean(0)))
        else:
            units.append((start, end, rows[rows.max(1).argmax()]))
    return units


def plain_spans(doc, units, checkpoint, mode):
    """Tokens, label and score of the spans; None for one that has no tokens."""
    tags = [
        read_tag(checkpoint.labels[row.argmax()], prefixes=checkpoint.prefixes)
        for _, _, row in units
    ]
    for first, end, type_ in read_spans(tags):
        start_char, end_char = units[first][0], units[end - 1][1]
        score = np.mean([row.max() for _, _, row in units[first:end]])
        touched = [t for t in doc if t.idx < end_char and start_char < t.idx + len(t)]
        inside = [t for t in touched if start_char <= t.idx and t.idx + len(t) <= end_char]
        tokens = inside if mode == "contract" else touched
        if mode == "strict" and inside != touched:
            tokens = []
        yield (tokens[0].i, tokens[-1].i + 1, type_, score) if tokens else None


def count_unread(doc, starts, ends, probabilities, units, outside):
    """Number of labelled pieces that are in a unit without label."""
    return sum(
        probabilities[k].argmax() != outside and row.argmax() == outside
        for start, end, row in units
        for k in range(len(starts))
        if starts[k] < ends[k] and start < ends[k] and starts[k] < end
    )


def surest(spans):
    kept = []
    for span in sorted(spans, key=lambda span: -span[3]):
        if all(span[1] <= other[0] or other[1] <= span[0] for other in kept):
            kept.append(span)
    return sorted(kept)


def annotate(checkpoint, docs, **settings):
    """Let the component annotate, and give the codes and counts of its warnings."""
    checkpoint.component.cfg.update(settings)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        checkpoint.component.set_annotations(docs, checkpoint.component.predict(docs))
    return {str(w.message).split("]")[0][-4:]: int(str(w.message).split()[2]) for w in caught}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_spans_are_those_that_plain_lines_read_from_the_logits(scheme, checkpoints, texts):
    checkpoint = checkpoints(scheme)
    outputs = [checkpoint.logits(doc.text) for doc in texts]
    for strategy in STRATEGIES:
        units = [
            plain_units(doc, *output, strategy)
            for doc, (_, *output) in zip(texts, outputs, strict=True)
        ]
        for mode in MODES:
            settings = {"aggregation_strategy": strategy, "alignment_mode": mode}
            warned = annotate(checkpoint, texts, annotate="spans", **settings)
            warned_of_ents = annotate(checkpoint, texts, annotate="ents", **settings)
            dropped = overlapping = count = unread = 0
            for doc, (_, *output), units_of_doc in zip(texts, outputs, units, strict=True):
                if strategy != "simple":
                    outside = checkpoint.labels.index("O")
                    unread += count_unread(doc, *output, units_of_doc, outside)
                expected = list(plain_spans(doc, units_of_doc, checkpoint, mode))
                dropped += expected.count(None)
                expected = [span for span in expected if span]
                count += len(expected)
                group = doc.spans["sc"]
                assert [(s.start, s.end, s.label_) for s in group] == [e[:3] for e in expected]
                scores = [score for *_, score in expected]
                np.testing.assert_allclose(group.attrs["scores"], scores, rtol=1e-4)
                kept = surest(expected)
                overlapping += len(expected) - len(kept)
                assert [(e.start, e.end, e.label_) for e in doc.ents] == [k[:3] for k in kept]
            assert count > 300
            found = {"W601": dropped, "W603": unread}
            assert warned == {code: number for code, number in found.items() if number}
            assert warned_of_ents.get("W603", 0) == unread
            assert warned_of_ents.get("W601", 0) == dropped
            assert warned_of_ents.get("W602", 0) == overlapping
            # Only pieces begin or end within a token; expansion loses none of them.
            assert (dropped > 0) == (strategy == "simple" and mode != "expand")
            assert (overlapping > 0) == (strategy == "simple" and mode == "expand")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_spans_are_those_of_hugging_faces_pipeline(strategy, checkpoints, real_docs):
    checkpoint = checkpoints("BIO")
    # Without its tokenizer, which affects only the printed words.
    pipeline = transformers.TokenClassificationPipeline.__new__(
        transformers.TokenClassificationPipeline
    )
    pipeline.model, pipeline.framework = checkpoint.oracle, "pt"
    pipeline.tokenizer = SimpleNamespace(
        convert_ids_to_tokens=str, convert_tokens_to_string="".join, unk_token_id=None
    )
    docs = real_docs("wnut17")[10::40]
    annotate(
        checkpoint, docs, annotate="spans", aggregation_strategy=strategy, alignment_mode="expand"
    )
    count = 0
    for doc in docs:
        ids, starts, ends, probabilities = checkpoint.logits(doc.text)
        # Each piece behind a space begins a word there. These are not our tokens where a character
        # behind a space has several pieces.
        words = [
            start
            for start, end in zip(starts, ends, strict=True)
            if start < end and doc.text[start - 1 : start] in ("", " ")
        ]
        if words != [token.idx for token in doc]:
            continue
        strategy_there = AggregationStrategy(strategy)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pieces = pipeline.gather_pre_entities(
                doc.text,
                ids,
                probabilities,
                list(zip(starts, ends, strict=True)),
                np.array(starts) == np.array(ends),
                strategy_there,
            )
        groups = [
            group
            for group in pipeline.aggregate(pieces, strategy_there)
            if group["entity_group"] != "O"
        ]
        count += len(groups)
        expected = [
            doc.char_span(group["start"], group["end"], alignment_mode="expand") for group in groups
        ]
        found = doc.spans["sc"]
        assert [(span.start, span.end) for span in found] == [(s.start, s.end) for s in expected]
        assert [span.label_ for span in found] == [group["entity_group"] for group in groups]
        np.testing.assert_allclose(
            found.attrs["scores"], [group["score"] for group in groups], rtol=1e-4
        )
    assert count > 500
