"""A pretraining from its config: find where it stands, encode the text, train to the end."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from confection import Config
from spacy.util import load_config

from spacy_deberta.errors import Errors
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .config import PretrainingConfig, changed_keys, resolve_config
from .encoded_corpus import EncodedCorpus, encode_corpus
from .log import LogRow, append_row, drop_rows_after
from .loop import Report, Run, run_to_the_end
from .masking import MaskedSequences
from .objective import Objective
from .piece_table import PieceTable
from .processes import Processes
from .readers import document_texts
from .sequences import Sequences
from .shuffling import SequenceStream
from .step_batches import StepSource
from .trainer import Trainer
from .training_batch import TrainingBatch
from .training_state import find_states, load_state

# Within the folder of the models.
TRAINING = "training"
CONFIG, LOG, CORPUS = "config.cfg", "log.jsonl", "corpus"
_TRAIN, _DEV = "train", "dev"
_POLL_SECONDS = 1.0
# Held-out text is masked the same way every time, and in another way than text to learn from.
_HELD_OUT_SEED = 1

Announce = Callable[[str], None]


def pretrain(
    config: Config,
    output: Path,
    *,
    resume: bool = False,
    gpu: int | None = None,
    report: Report | None = None,
    announce: Announce | None = None,
) -> None:
    """Pretrain a model, or go on with it.

    Args:
        config: As `spacy.util.load_config` reads it; see docs/pretraining.md.
        output: The folder of the model, an ordinary checkpoint. What only the training needs is in
            the folder `training` within.
        resume: Whether to go on from the last checkpoint there, if there is one.
        gpu: Number of the GPU, or a negative number for none; None for one if there is one.
        report: Called with every row of the log, in the first process.
        announce: Called with what happens before the first update, in the first process.

    Raises:
        ValueError: The config can't be (E720 to E730), is another one than that of the run to
            resume (E732), or there is a run already (E731); the corpus can't be read (E701 to
            E719); the loss is no number (E725).
        OSError: Something can't be read or written (E723, E724).
    """
    plan = resolve_config(config)
    processes = Processes.join(gpu=gpu)
    say = announce if announce is not None and processes.is_first else _say_nothing
    folder = output / TRAINING
    states = find_states(folder)
    _check_folder(config, output, states, resume=resume)
    processes.wait()
    if processes.is_first and not states:
        folder.mkdir(parents=True, exist_ok=True)
        config.to_disk(folder / CONFIG)
    torch.manual_seed(plan.settings.seed)
    tokenizer = plan.source.load_tokenizer()
    objective = plan.objective(plan.source, tokenizer)
    train, dev = _corpora(plan, tokenizer, folder / CORPUS, processes, say)
    trainer = Trainer(
        objective,
        settings=plan.settings,
        optimizer_settings=plan.optimizer,
        processes=processes,
    )
    if states:
        load_state(trainer, states[-1])
        say(f"Resumed at step {trainer.step}")
    if processes.is_first:
        drop_rows_after(folder / LOG, trainer.step)
    table = PieceTable.from_tokenizer(tokenizer, rows=_rows(objective))
    source = _source(plan, objective, train, tokenizer, table, processes)
    held_out = () if dev is None else _held_out(plan, objective, dev, tokenizer, table, processes)

    def write(row: LogRow) -> None:
        append_row(folder / LOG, row)
        if report is not None:
            report(row)

    run_to_the_end(
        Run(
            trainer=trainer,
            source=source,
            held_out=[TrainingBatch.from_masked(each, processes.device) for each in held_out],
            tokenizer=tokenizer,
            output=output,
            states=folder,
            report=write,
            epoch_sequences=len(source.sequences),
        )
    )
    processes.leave()
