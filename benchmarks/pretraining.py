"""Pretraining against a plain loop with Hugging Face's models, on the same sequences and masks.

    python -m benchmarks.pretraining --texts texts.txt.xz --vocabulary spm.model

The plain loop pads a batch to its longest sequence, computes logits for every piece, and for
replaced token detection runs two of Hugging Face's models, a masked language model and a token
classifier. Hugging Face has no enhanced mask decoder: ours runs the last layer twice for the masked
pieces. Both make complete updates, with gradient clipping and AdamW.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import Tensor, nn
from torch.nn import functional

from spacy_deberta.distributed import Processes
from spacy_deberta.models import DebertaV2ForMaskedLM, ModelSource
from spacy_deberta.nn import PackedPieces
from spacy_deberta.nn.mask_decoder import decode_masked
from spacy_deberta.pretraining import (
    masked_language_modelling_v1,
    read_texts,
    replaced_token_detection_v1,
)
from spacy_deberta.pretraining.corpus.encoded_corpus import encode_corpus
from spacy_deberta.pretraining.corpus.sequences import CorpusSequences
from spacy_deberta.pretraining.corpus.shuffling import SequenceStream
from spacy_deberta.pretraining.masking.masking import Masking
from spacy_deberta.pretraining.masking.piece_table import PieceTable
from spacy_deberta.pretraining.masking.step_batches import StepBatches, StepSource
from spacy_deberta.pretraining.objectives.masked_batch import MaskedBatch
from spacy_deberta.pretraining.settings import OptimizerSettings, PretrainingSettings
from spacy_deberta.pretraining.updates.trainer import Trainer

CPU = torch.device("cpu")
# Of deberta-v3-mini-en.
SIZES = {
    "hidden_size": 256,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "intermediate_size": 1024,
}
OBJECTIVES = {"mlm": masked_language_modelling_v1(), "rtd": replaced_token_detection_v1()}
DOCUMENTS = 3000
IGNORED = -100

Step = Callable[[StepBatches], None]


def main(
    texts: Annotated[Path, typer.Option(help="Texts as `spacy deberta pretrain` reads them")],
    vocabulary: Annotated[Path, typer.Option(help="An spm.model")],
    pieces: Annotated[int, typer.Option(help="Pieces of an update")] = 4096,
    max_length: Annotated[int, typer.Option(help="Pieces of a sequence at most")] = 512,
    sentences: Annotated[bool, typer.Option(help="Every line is a document")] = False,
    repeats: Annotated[int, typer.Option(help="Updates that are timed")] = 7,
) -> None:
    """Time updates of both, interleaved, and print the medians."""
    source = ModelSource(vocabulary=str(vocabulary), config=SIZES)
    tokenizer = source.load_tokenizer()
    with tempfile.TemporaryDirectory() as folder:
        documents = read_texts(texts, lines_are_documents=sentences)
        corpus, _ = encode_corpus(
            (text for text, _ in zip(documents, range(DOCUMENTS), strict=False)),
            tokenizer,
            Path(folder) / "corpus",
        )
        table = PieceTable.from_tokenizer(tokenizer, rows=source.make_config(tokenizer).vocab_size)
        sequences = CorpusSequences(corpus, max_length=max_length, starts_word=table.starts_word)
        for name, build in OBJECTIVES.items():
            objective = build(source, tokenizer)
            batches = StepSource(
                sequences=sequences,
                stream=SequenceStream(sequences, seed=0),
                masking=objective.masking,
                table=table,
                batch_pieces=pieces,
            ).steps(0)
            ours = make_trainer(objective, pieces, max_length)
            theirs = HuggingFaceLoop(name, source.make_config(tokenizer).to_dict())
            report(name, batches, {"ours": ours, "Hugging Face": theirs.update}, repeats)
        report_decoder(source, tokenizer, sequences, table, pieces)


def make_trainer(objective: Any, pieces: int, max_length: int) -> Step:
    """Our update of a batch."""
    trainer = Trainer(
        objective,
        settings=PretrainingSettings(
            max_steps=1000, batch_pieces=pieces, max_length=max_length, precision="fp32"
        ),
        optimizer_settings=OptimizerSettings(),
        processes=Processes(rank=0, count=1, device=CPU),
    )

    def update(step: StepBatches) -> None:
        batch = [MaskedBatch.from_masked(masked, CPU) for masked in step.batches]
        trainer.update(batch, next_position=step.next_position)

    return update


class HuggingFaceLoop:
    """The plain loop with Hugging Face's models.

    Args:
        objective: "mlm" or "rtd".
        config: The fields of a config.json.
    """

    def __init__(self, objective: str, config: dict[str, Any]) -> None:
        from transformers import DebertaV2Config as Config
        from transformers import DebertaV2ForMaskedLM, DebertaV2ForTokenClassification

        config = {**config, "legacy": True, "num_labels": 1}
        del config["id2label"], config["label2id"]
        if objective == "rtd":
            half = {**config, "num_hidden_layers": config["num_hidden_layers"] // 2}
            self.generator = DebertaV2ForMaskedLM(Config(**half))
            self.discriminator: nn.Module | None = DebertaV2ForTokenClassification(Config(**config))
        else:
            self.generator, self.discriminator = DebertaV2ForMaskedLM(Config(**config)), None
        models = [model for model in (self.generator, self.discriminator) if model is not None]
        self.optimizers: dict[nn.Module, torch.optim.Optimizer] = {
            model: torch.optim.AdamW(model.parameters(), lr=5e-4, eps=1e-6) for model in models
        }
        for model in models:
            model.train()

    def update(self, step: StepBatches) -> None:
        """Pad a batch and train on it."""
        (masked,) = step.batches
        batch = MaskedBatch.from_masked(masked, CPU)
        pieces = batch.pieces
        assert pieces.input_ids is not None
        labels = torch.full_like(pieces.input_ids, IGNORED)
        labels[batch.rows] = batch.originals
        ids = pieces.pad(pieces.input_ids)
        mask = pieces.pad(torch.ones_like(pieces.input_ids))
        padded_labels = pieces.pad(labels).masked_fill(mask == 0, IGNORED)
        output = self.generator(input_ids=ids, attention_mask=mask, labels=padded_labels)
        self._step(self.generator, output.loss)
        if self.discriminator is None:
            return
        chosen = padded_labels != IGNORED
        guesses = torch.multinomial(output.logits.detach()[chosen].softmax(-1), 1).squeeze(1)
        filled = ids.masked_scatter(chosen, guesses)
        replaced = torch.zeros_like(mask, dtype=torch.float)
        replaced[chosen] = (guesses != padded_labels[chosen]).float()
        logits = self.discriminator(input_ids=filled, attention_mask=mask).logits.squeeze(-1)
        loss = functional.binary_cross_entropy_with_logits(
            logits[mask.bool()], replaced[mask.bool()]
        )
        self._step(self.discriminator, 50 * loss)

    def _step(self, model: nn.Module, loss: Tensor) -> None:
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        self.optimizers[model].step()
        self.optimizers[model].zero_grad()


def report(name: str, batches: Iterator[StepBatches], steps: dict[str, Step], repeats: int) -> None:
    """Time the same updates of both, interleaved, after a warm-up update."""
    rates: dict[str, list[float]] = {contender: [] for contender in steps}
    for number in range(repeats + 1):
        batch = next(batches)
        for contender, step in steps.items():
            start = time.perf_counter()
            step(batch)
            if number:
                rates[contender].append(batch.pieces / (time.perf_counter() - start))
    medians = {contender: statistics.median(values) for contender, values in rates.items()}
    shown = ", ".join(f"{contender} {rate:,.0f}" for contender, rate in medians.items())
    ratio = medians["ours"] / medians["Hugging Face"]
    print(f"{name}: pieces a second: {shown}; {ratio:.2f} times as many")


def report_decoder(
    source: ModelSource, tokenizer: Any, sequences: CorpusSequences, table: PieceTable, pieces: int
) -> None:
    """Time the enhanced mask decoder for the masked pieces, and for all pieces."""
    config = replace(source.make_config(tokenizer), legacy=False)
    model = DebertaV2ForMaskedLM(config).train()
    step = StepSource(
        sequences=sequences,
        stream=SequenceStream(sequences, seed=1),
        masking=Masking(),
        table=table,
        batch_pieces=pieces,
    ).step(0)
    batch = MaskedBatch.from_masked(step.batches[0], CPU)
    packed = PackedPieces.from_lengths(batch.pieces.input_ids, batch.pieces.lengths)
    hidden = torch.randn(packed.total_pieces, config.hidden_size, requires_grad=True)
    seconds: dict[str, list[float]] = {"hidden pieces": [], "all pieces": []}
    for number in range(6):
        for name, rows in (("hidden pieces", batch.rows), ("all pieces", None)):
            start = time.perf_counter()
            decode_masked(model.deberta, hidden, packed, rows=rows).sum().backward()
            if number:
                seconds[name].append(time.perf_counter() - start)
    one, other = (statistics.median(values) for values in seconds.values())
    print(
        f"mask decoder, forward and backward: {1e3 * one:.0f} ms for the hidden pieces, "
        f"{1e3 * other:.0f} ms for all; {other / one:.1f} times as fast"
    )


if __name__ == "__main__":
    typer.run(main)
