"""Run a pretraining from its config: find checkpoints, encode the text, train."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from confection import Config

from spacy_deberta.checkpoints import check_mask_fits, check_vocabulary_fits
from spacy_deberta.distributed import Processes
from spacy_deberta.errors import Errors
from spacy_deberta.files import write_atomically
from spacy_deberta.pretraining.corpus.prepared_corpora import prepare_corpora
from spacy_deberta.pretraining.corpus.sequences import CorpusSequences
from spacy_deberta.pretraining.corpus.shuffling import SequenceStream
from spacy_deberta.pretraining.masking.piece_table import PieceTable
from spacy_deberta.pretraining.masking.step_batches import StepSource
from spacy_deberta.pretraining.objectives.masked_batch import MaskedBatch
from spacy_deberta.pretraining.objectives.objective import Objective
from spacy_deberta.pretraining.run_folder.folder import RunFolder, failures_named
from spacy_deberta.pretraining.run_folder.log import LogRow, append_row, drop_rows_after, read_rows
from spacy_deberta.pretraining.run_folder.loss_plot import plot_losses
from spacy_deberta.pretraining.run_folder.resuming import resume_from_last
from spacy_deberta.pretraining.run_folder.training_state import find_states, step_of
from spacy_deberta.pretraining.updates.trainer import Trainer

from .config import PretrainingConfig, changed_keys, resolve_config
from .loop import PretrainingRun, Report, run_to_the_end
from .spacy_logger import start_logger

# Held-out text has its own masks, the same in every evaluation.
_HELD_OUT_SEED = 0x68656C64


def pretrain(
    config: Config,
    output: Path,
    *,
    resume: bool = False,
    gpu: int | None = None,
    report: Report | None = None,
    announce: Callable[[str], None] | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Pretrain a model, or resume a pretraining.

    Args:
        config: From `spacy.util.load_config`; see docs/pretraining.md.
        output: The folder of the model, an ordinary checkpoint. Its subfolder `training` has the
            state of the training.
        resume: Whether to resume from the last checkpoint there, if there is one.
        gpu: Index of the GPU, or a negative number for the CPU; None for a GPU if there is one.
        report: Called with every row of the log, on rank 0.
        announce: Called with progress messages before the first update, on rank 0.
        progress: Called with the number of updates before the first one, and every ten seconds
            without a row of the log, on rank 0. The last update may not be complete.

    Raises:
        ValueError: The config is invalid (E720 to E730), differs from that of the run to resume
            (E732, E738), or there is a run already (E731); the corpus can't be read (E701 to E709)
            or differs (E733); the loss or the weights are not finite (E725, E736).
        OSError: A file can't be written (E710, E723, E734, E735) or read (E724, E739), or another
            run writes to the folder (E737).
    """
    plan, folder = resolve_config(config), RunFolder(output)
    with Processes.join(gpu=gpu) as processes, _owned(folder, processes):
        say = announce if announce is not None and processes.is_first else _say_nothing
        states = find_states(folder.training)
        _check_folder(config, folder, states, resume=resume)
        processes.wait()
        if processes.is_first and not states:
            with failures_named(folder.config):
                write_atomically(folder.config, config.to_str().encode())
        trainer, run = _make_run(plan, folder, processes, say)
        if states:
            resume_from_last(trainer, folder.training)
            say(f"Resuming from step {trainer.step}")
        if processes.is_first:
            drop_rows_after(folder.log, trainer.step)
        log_to_spacy, finish_logger = start_logger(plan, config, enabled=processes.is_first)

        def write(row: LogRow) -> None:
            append_row(folder.log, row)
            log_to_spacy(row)
            if report is not None:
                report(row)
            if row.held_out is not None:
                rows = read_rows(folder.log)
                with failures_named(folder.plot):
                    plot_losses(rows, folder.plot)

        try:
            run_to_the_end(run, report=write, progress=progress)
        finally:
            finish_logger()


def _say_nothing(text: str) -> None:
    """Ignore a message."""


@contextmanager
def _owned(folder: RunFolder, processes: Processes) -> Iterator[None]:
    """Context in which the run owns its folder, after the leftovers of a killed run are removed."""
    with folder.owned() if processes.is_first else nullcontext():
        if processes.is_first:
            folder.clear_up()
        processes.wait()
        yield


def _check_folder(config: Config, folder: RunFolder, states: list[Path], *, resume: bool) -> None:
    if not states:
        return
    if not resume:
        raise ValueError(Errors.E731.format(folder=folder.output, step=step_of(states[-1])))
    keys = changed_keys(folder.config, config)
    if keys:
        message = Errors.E732.format(
            folder=folder.output, keys=", ".join(keys), config=folder.config
        )
        raise ValueError(message)


def _make_run(
    plan: PretrainingConfig, folder: RunFolder, processes: Processes, say: Callable[[str], None]
) -> tuple[Trainer, PretrainingRun]:
    settings = plan.settings
    # The same random weights in every process.
    torch.manual_seed(settings.seed)
    tokenizer = plan.source.load_tokenizer()
    _ = tokenizer.model_proto  # pretraining is with SentencePiece alone: E236 before any work
    objective = plan.objective(plan.source, tokenizer)
    for module in objective.modules.values():
        if settings.gradient_checkpointing:
            module.deberta.gradient_checkpointing_enable()  # type: ignore[union-attr, operator]
    for module in objective.modules.values():
        check_vocabulary_fits(tokenizer, module.config)  # type: ignore[arg-type]
        check_mask_fits(tokenizer, module.config)  # type: ignore[arg-type]
    table = PieceTable.from_tokenizer(tokenizer, rows=_embedding_rows(objective))
    train, dev = prepare_corpora(
        folder.corpus,
        train=plan.train,
        dev=plan.dev,
        held_out=settings.held_out,
        nlp=plan.nlp,
        tokenizer=tokenizer,
        processes=processes,
        announce=say,
    )
    trainer = Trainer(
        objective, settings=settings, optimizer_settings=plan.optimizer, processes=processes
    )

    def make_source(
        corpus: CorpusSequences, *, seed: int, pieces: int, share: Processes
    ) -> StepSource:
        return StepSource(
            sequences=corpus,
            stream=SequenceStream(corpus, seed=seed),
            masking=objective.masking,
            table=table,
            batch_pieces=pieces,
            micro_batch_pieces=settings.micro_batch_pieces,
            rank=share.rank,
            processes=share.count,
        )

    sequences = CorpusSequences(
        train, max_length=settings.max_length, starts_word=table.starts_word
    )
    held_out: list[MaskedBatch] = []
    if dev is not None:
        kept = CorpusSequences(dev, max_length=settings.max_length, starts_word=table.starts_word)
        pieces = min(settings.eval_pieces, kept.total_pieces)
        # Fewer sequences than processes can't be sharded, so each process evaluates all of them.
        share = processes if len(kept) >= processes.count else processes.alone
        source = make_source(kept, seed=_HELD_OUT_SEED, pieces=pieces, share=share)
        batches = source.step(0).batches
        held_out = [MaskedBatch.from_masked(batch, processes.device) for batch in batches]
    return trainer, PretrainingRun(
        trainer=trainer,
        source=make_source(
            sequences, seed=settings.seed, pieces=settings.batch_pieces, share=processes
        ),
        held_out=held_out,
        tokenizer=tokenizer,
        folder=folder,
        epoch_sequences=len(sequences),
    )


def _embedding_rows(objective: Objective) -> int:
    model = next(iter(objective.modules.values()))
    return int(model.config.vocab_size)  # type: ignore[union-attr, arg-type]
