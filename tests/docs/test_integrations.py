"""The examples with other packages, where these are installed, and what they do with a pipeline."""

import pytest
import spacy
from spacy.tokens import Span
from spacy.training import Example

from tests.conftest import SENTENCES
from tests.docs.pages import all_blocks

pytestmark = pytest.mark.slow

BLOCKS = [block for block in all_blocks("python") if block.needs]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_examples_run_where_their_package_is_installed(block, workspace, localize):
    pytest.importorskip(block.needs)
    code = localize(block.text)
    if block.needs == "spacy_streamlit":
        from streamlit.testing.v1 import AppTest

        app = AppTest.from_string(code, default_timeout=60).run()
        assert not app.exception
        assert app.text_area[0].value
    else:
        exec(compile(code, block.place, "exec"), {"__name__": "__main__"})


def test_a_pipeline_can_do_what_recipes_for_annotation_ask_for(workspace):
    """Scores of the beam's entities, and an update with what a person has said about one span."""
    nlp = spacy.load("my_pipeline")
    ner = nlp.get_pipe("ner")
    docs = list(nlp.pipe(SENTENCES))
    beams = ner.beam_parse(docs, beam_width=8, beam_density=0.01)
    for doc, found in zip(docs, ner.scored_ents(beams), strict=True):
        assert found is not None
        assert all(0 < score <= 1.000001 for score in found.values())
        assert all(0 <= start < end <= len(doc) for start, end, _ in found)

    doc = nlp.make_doc(SENTENCES[0])
    label = ner.labels[0]
    doc.set_ents([Span(doc, 0, 1, label)], default="missing")
    optimizer = nlp.resume_training()
    losses = nlp.update([Example(nlp.make_doc(doc.text), doc)], sgd=optimizer)
    assert losses["ner"] > 0
