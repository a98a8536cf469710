"""Hooks that check memory-mapped weights at use: finite values, unmodified file."""

import weakref
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from spacy_deberta.checkpoints import MappedFile, check_finite, find_mapped_file, is_finite
from spacy_deberta.files import trim_heap
from spacy_deberta.nn import Precision

WORD_EMBEDDINGS = "embeddings.word_embeddings.weight"


class WeightsGuard:
    """Forward pre-hook that checks memory-mapped weights before each use.

    The check for non-finite values reads all weights, so it waits for the first use, which reads
    them anyway. The check for a modified file is repeated each time.

    A copy of a module has its own weights and needs no guard: copying checks once.

    Args:
        files: The mapped files. Each is checked while anything is mapped from it; moving the
            weights to a GPU ends that.
        unread: Tensors by name, not yet checked for non-finite values.
        source: The checkpoint's name, for messages.
    """

    def __init__(
        self,
        files: Iterable[MappedFile] = (),
        unread: Mapping[str, torch.Tensor] | None = None,
        *,
        source: str = "",
    ) -> None:
        self._files = tuple(weakref.ref(file) for file in files)
        self._unread = dict(unread or {})
        self._source = source

    def __call__(self, *_: Any) -> None:
        """Raise if the weights are unusable.

        Raises:
            OSError: A mapped file was modified (E329).
            ValueError: Weights are not finite (E328).
        """
        if torch.compiler.is_compiling():
            return
        for reference in self._files:
            file = reference()
            if file is not None:
                file.check()
        if self._unread:
            self._check_finite()
            self._unread = {}

    def _check_finite(self) -> None:
        # Weights are quantized one layer after the other: no more of them has to be in memory.
        is_quantizing = Precision.current(torch.empty(0)).weights == torch.int8
        wrong = {}
        for key, tensor in self._unread.items():
            if not is_finite(tensor):
                wrong[key] = tensor
            if is_quantizing:
                self._page_out()
        check_finite(wrong, source=self._source)

    def give_back(self) -> None:
        """Give back the memory of the mapped weights, and what was freed since they were read."""
        self._page_out()
        trim_heap()

    def _page_out(self) -> None:
        for reference in self._files:
            file = reference()
            if file is not None:
                file.page_out()

    def __reduce__(self) -> tuple[Any, ...]:
        self()
        return WeightsGuard, ()


class RowsGuard:
    """Forward hook that checks the rows gathered from a memory-mapped embedding table.

    The table is more than half of a checkpoint, and inference on a CPU reads only the rows of the
    texts' pieces. Training and a GPU read the whole table, which is checked then.

    Args:
        key: The name of the table, for messages.
        source: The checkpoint's name, for messages.
    """

    def __init__(self, key: str, *, source: str) -> None:
        self._key = key
        self._source = source
        self._is_read = False

    def __call__(self, embeddings: Any, _: Any, rows: torch.Tensor) -> None:
        """Raise if rows are not finite because of the table.

        Raises:
            ValueError: The table has non-finite values (E328).
        """
        if self._is_read or torch.compiler.is_compiling():
            return
        table = embeddings.word_embeddings.weight
        reads_all = embeddings.training or table.device.type != "cpu"
        if reads_all or not is_finite(rows):
            check_finite({self._key: table}, source=self._source)
            self._is_read = reads_all


def guard_weights(
    module: torch.nn.Module,
    weights: Mapping[str, torch.Tensor],
    *,
    source: str,
    allow_non_finite: bool,
) -> None:
    """Check weights in memory now, and register hooks that check memory-mapped ones at use.

    Args:
        module: A module of `spacy_deberta.models`, with the weights loaded.
        weights: The weights by name.
        source: The checkpoint's name, for messages.
        allow_non_finite: Whether to accept non-finite values.

    Raises:
        ValueError: Weights in memory are not finite (E328).
    """
    files = {key: find_mapped_file(tensor) for key, tensor in weights.items()}
    mapped = {key: weights[key] for key, file in files.items() if file is not None}
    if not allow_non_finite:
        check_finite({key: weights[key] for key in weights.keys() - mapped}, source=source)
    if not mapped:
        return
    backbone: Any = getattr(module, "deberta", module)
    unread = {} if allow_non_finite else mapped
    table = next((key for key in unread if key.endswith(WORD_EMBEDDINGS)), None)
    if table is not None and not getattr(module, "reads_all_embeddings", False):
        unread = {key: tensor for key, tensor in mapped.items() if key != table}
        backbone.embeddings.register_forward_hook(RowsGuard(table, source=source))
    guard = WeightsGuard({file for file in files.values() if file}, unread, source=source)
    # The embeddings run first in every use; a head's modules are also used with another encoder.
    # The encoder has no hook: with one, it would bypass its prepared layers.
    of_head = () if backbone is module else module.children()
    for part in (backbone.embeddings, *(part for part in of_head if part is not backbone)):
        part.register_forward_pre_hook(guard)
        part.register_state_dict_pre_hook(guard)
    backbone.encoder.prepared.give_back = guard.give_back
