"""Split XQuAD into training, development and test data by article, and write it in two formats.

Training reads `.json`, in the format of SQuAD. `.spacy` has the same data as documents, for
spaCy's own commands. Of six articles, in the order of the file, four are for training, the fifth is
for development and the sixth for the test. No article is in two splits.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.tokens import DocBin
from wasabi import msg

from spacy_deberta.corpora import get_questions, squad_corpus_v1

# The splits of the articles of a group.
GROUP = ("train", "train", "train", "train", "dev", "test")


def split_articles(articles: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The articles of each split."""
    parts: dict[str, list[dict[str, Any]]] = {part: [] for part in GROUP}
    for index, article in enumerate(articles):
        parts[GROUP[index % len(GROUP)]].append(article)
    return parts


def main(
    source: Annotated[Path, typer.Argument(help="xquad.en.json", exists=True)],
    output: Annotated[Path, typer.Argument(help="Folder for the parts")],
) -> None:
    """Write the splits, and the training texts and questions for a vocabulary."""
    content = srsly.read_json(source)
    nlp = spacy.blank("en")
    output.mkdir(parents=True, exist_ok=True)
    for part, articles in split_articles(content["data"]).items():
        srsly.write_json(output / f"{part}.json", {**content, "data": articles})
        docs = [example.reference for example in squad_corpus_v1(output / f"{part}.json")(nlp)]
        DocBin(docs=docs, store_user_data=True).to_disk(output / f"{part}.spacy")
        questions = [question["question"] for doc in docs for question in get_questions(doc)]
        if part == "train":
            texts = DocBin(docs=[*docs, *map(nlp.make_doc, questions)])
            texts.to_disk(output / "texts.spacy")
        msg.good(f"{part}: {len(articles)} articles, {len(docs)} texts, {len(questions)} questions")


if __name__ == "__main__":
    typer.run(main)
