"""Building modules without memory for their weights."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


@contextmanager
def meta_device() -> Iterator[None]:
    """Build modules on the meta device, without initialization.

    To fill with `load_state_dict(state, assign=True)`, or with `to_empty` and `init_weights`.
    """
    with torch.device("meta"), _SkipInitialization():
        yield


class _SkipInitialization(TorchFunctionMode):
    """Leaves out the functions of `torch.nn.init`.

    On the meta device they have nothing to fill, but the first `normal_` imports `torch._dynamo`,
    which takes longer than the import of torch.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        options = kwargs or {}
        if getattr(func, "__module__", None) == torch.nn.init.__name__:
            return args[0] if args else options["tensor"]
        return func(*args, **options)
