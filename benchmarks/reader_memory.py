"""Peak memory of encoding a corpus and reading it in random order, by its size.

    python -m benchmarks.reader_memory --texts english.txt.xz --vocabulary spm.model --megabytes 400

`--megabytes` can be given several times. A corpus larger than the texts repeats them. Each size is
measured in its own process.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

PIECES = 65536
BATCHES = 200
MAX_LENGTH = 512


def main(
    texts: Annotated[Path, typer.Option(help="Texts as `spacy deberta pretrain` reads them")],
    vocabulary: Annotated[Path, typer.Option(help="An spm.model")],
    megabytes: Annotated[list[float], typer.Option(help="Sizes of the corpus, as UTF-8")],
) -> None:
    """Measure and print one line for each size."""
    for size in megabytes:
        command = [sys.executable, "-m", __spec__.name if __spec__ else __name__, "--child"]
        found = json.loads(
            subprocess.run(
                [*command, str(texts), str(vocabulary), str(size)],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            ).stdout
        )
        print(
            f"{size:6g} MB: {found['documents']:,} documents, {found['pieces']:,} pieces; peak "
            f"{found['peak_mib']:.0f} MiB, {found['own_mib']:.0f} MiB above the imports; encoding "
            f"{found['encoding']:.1f} s, a batch of {PIECES:,} pieces {1e3 * found['batch']:.1f} ms"
        )


def measure(texts: Path, vocabulary: Path, megabytes: float) -> dict[str, float]:
    """Encode and read a corpus in this process.

    Args:
        texts: Path of the texts.
        vocabulary: Path of the vocabulary.
        megabytes: Size of the corpus.

    Returns:
        Sizes, peak memory of the process in MiB, and seconds.
    """
    from spacy_deberta.pretraining.corpus.encoded_corpus import encode_corpus
    from spacy_deberta.pretraining.corpus.sequences import CorpusSequences
    from spacy_deberta.pretraining.corpus.shuffling import SequenceStream
    from spacy_deberta.pretraining.corpus.texts import read_texts
    from spacy_deberta.pretraining.masking.piece_table import PieceTable
    from spacy_deberta.tokenization import DebertaV2Tokenizer

    def corpus() -> Iterator[str]:
        left = megabytes * 1e6
        while True:
            for text in read_texts(texts):
                left -= len(text.encode())
                if left < 0:
                    return
                yield text

    tokenizer = DebertaV2Tokenizer(vocabulary)
    before = _peak_mib()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        encoded, _ = encode_corpus(corpus(), tokenizer, Path(folder) / "corpus")
        encoding = time.perf_counter() - start
        table = PieceTable.from_tokenizer(tokenizer, rows=len(tokenizer))
        sequences = CorpusSequences(encoded, max_length=MAX_LENGTH, starts_word=table.starts_word)
        stream = SequenceStream(sequences, seed=0)
        position, start = 0, time.perf_counter()
        for _ in range(BATCHES):
            indices, _, position = stream.take(position, pieces=PIECES)
            sequences.read(indices)
        batch = (time.perf_counter() - start) / BATCHES
    peak = _peak_mib()
    return {
        "documents": encoded.documents,
        "pieces": encoded.total_pieces,
        "peak_mib": peak,
        "own_mib": peak - before,
        "encoding": encoding,
        "batch": batch,
    }


def _peak_mib() -> float:
    import resource

    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    if "--child" in sys.argv:
        place = sys.argv.index("--child") + 1
        given = sys.argv[place : place + 3]
        print(json.dumps(measure(Path(given[0]), Path(given[1]), float(given[2]))))
    else:
        typer.run(main)
