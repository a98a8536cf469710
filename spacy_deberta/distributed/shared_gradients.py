"""The gradients of all processes, added up in each of them."""

from collections.abc import Sequence

import torch
from thinc.api import Model
from thinc.util import torch2xp, xp2torch
from torch import Tensor

from spacy_deberta.layers import torch_parameters

from .processes import Processes


def sum_model_gradients(model: Model, *, processes: Processes) -> None:
    """Make the gradients of a model the sum of those of all processes.

    A parameter that has no gradient in some process counts as zero there. One that has none in any
    gets none, and is not updated.

    Args:
        model: The same in each process, but for its gradients.
        processes: Who trains together.
    """
    places = [
        (node, name)
        for node in model.walk()
        for name in sorted(node.param_names)
        if node.has_param(name)
    ]
    own = [xp2torch(node.get_param(name)) for node, name in places]
    gradients = [
        xp2torch(node.get_grad(name)) if node.has_grad(name) else None for node, name in places
    ]
    for (node, name), total in zip(places, _sum(gradients, own, processes), strict=True):
        if total is not None:
            node.set_grad(name, torch2xp(total))  # type: ignore[arg-type]
    parameters = torch_parameters(model)
    totals = _sum([parameter.grad for parameter in parameters], parameters, processes)
    for parameter, total in zip(parameters, totals, strict=True):
        parameter.grad = total


def _sum(
    gradients: Sequence[Tensor | None], like: Sequence[Tensor], processes: Processes
) -> list[Tensor | None]:
    """Sums over all processes, in one message; None where nobody has a gradient."""
    if not like:
        return []
    given = torch.tensor([float(g is not None) for g in gradients], device=like[0].device)
    filled = [
        torch.zeros_like(tensor) if gradient is None else gradient.to_dense()
        for gradient, tensor in zip(gradients, like, strict=True)
    ]
    flat = torch.cat([given, *(gradient.detach().flatten() for gradient in filled)])
    processes.sum_over(flat)
    counts = flat[: len(like)].tolist()
    sums = flat[len(like) :].split([tensor.numel() for tensor in like])
    return [
        total.view_as(tensor) if count else None
        for total, tensor, count in zip(sums, like, counts, strict=True)
    ]
