"""All-reduce the gradients of a thinc model."""

from collections.abc import Sequence

import torch
from thinc.api import Model
from thinc.util import torch2xp, xp2torch
from torch import Tensor

from spacy_deberta.layers import torch_parameters

from .processes import Processes


def sum_model_gradients(model: Model, *, processes: Processes) -> None:
    """Sum the gradients of a model over all ranks.

    A missing gradient counts as zeros. A parameter without a gradient on any rank still has none
    afterwards, and is not updated.

    Args:
        model: The same on each rank, except for its gradients.
        processes: The processes of the training.
    """
    own_params = [
        (node, name)
        for node in model.walk()
        for name in sorted(node.param_names)
        if node.has_param(name)
    ]
    own = [xp2torch(node.get_param(name)) for node, name in own_params]
    gradients = [
        xp2torch(node.get_grad(name)) if node.has_grad(name) else None for node, name in own_params
    ]
    for (node, name), total in zip(own_params, _sum(gradients, own, processes), strict=True):
        if total is not None:
            node.set_grad(name, torch2xp(total))  # type: ignore[arg-type]
    parameters = torch_parameters(model)
    totals = _sum([parameter.grad for parameter in parameters], parameters, processes)
    for parameter, total in zip(parameters, totals, strict=True):
        parameter.grad = total


def _sum(
    gradients: Sequence[Tensor | None], like: Sequence[Tensor], processes: Processes
) -> list[Tensor | None]:
    """Sum over all ranks, in one all-reduce; None where no rank has a gradient."""
    if not like:
        return []
    present = torch.tensor([float(g is not None) for g in gradients], device=like[0].device)
    filled = [
        torch.zeros_like(tensor) if gradient is None else gradient.to_dense()
        for gradient, tensor in zip(gradients, like, strict=True)
    ]
    flat = torch.cat([present, *(gradient.detach().flatten() for gradient in filled)])
    processes.all_reduce(flat)
    counts = flat[: len(like)].tolist()
    sums = flat[len(like) :].split([tensor.numel() for tensor in like])
    return [
        total.view_as(tensor) if count else None
        for total, tensor, count in zip(sums, like, counts, strict=True)
    ]
