"""A direct implementation of DeBERTa's formulas: one sequence, all rows, no packing, no kernels.

An oracle for what Hugging Face doesn't have: the enhanced mask decoder and the discriminator.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional


def bucket(distance: int, *, buckets: int, max_distance: int) -> int:
    middle, far = buckets // 2, abs(distance)
    if far <= middle:
        return distance
    far = math.ceil(math.log(far / middle) / math.log((max_distance - 1) / middle) * (middle - 1))
    return int(math.copysign(far + middle, distance))


class PlainDeberta:
    """A v3 or v2 model with shared projections and both terms, given by its parameters."""

    def __init__(self, config, state: dict[str, Tensor]):
        self.config, self.state = config, state

    def linear(self, name, rows):
        return functional.linear(rows, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def norm(self, name, rows):
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return functional.layer_norm(rows, rows.shape[-1:], weight, bias, 1e-7)

    def hidden_states(self, ids: Tensor) -> list[Tensor]:
        """The embeddings and the output of every layer, (length, width) each."""
        words = self.state["deberta.embeddings.word_embeddings.weight"][ids]
        states = [self.norm("deberta.embeddings.LayerNorm", words)]
        for index in range(self.config.num_hidden_layers):
            states.append(self.layer(index, states[-1], states[-1]))
            if index == 0 and self.config.conv_kernel_size:
                states[-1] = self.convolution(states[0], states[-1])
        return states

    def convolution(self, embedded, rows):
        name = "deberta.encoder.conv.conv"
        padding = self.config.conv_kernel_size // 2
        beside = functional.conv1d(
            embedded.T[None],
            self.state[f"{name}.weight"],
            self.state[f"{name}.bias"],
            padding=padding,
        )
        return self.norm("deberta.encoder.conv.LayerNorm", rows + functional.gelu(beside[0].T))

    def layer(self, index: int, states: Tensor, queries: Tensor) -> Tensor:
        """Layer `index` with keys and values of some rows and queries of others."""
        name = f"deberta.encoder.layer.{index}"
        heads = self.config.num_attention_heads
        width = self.config.hidden_size // heads
        table = self.state["deberta.encoder.rel_embeddings.weight"]
        table = self.norm("deberta.encoder.LayerNorm", table)
        project = {
            part: lambda rows, part=part: (
                self.linear(f"{name}.attention.self.{part}_proj", rows)
                .view(-1, heads, width)
                .transpose(0, 1)
            )
            for part in ("query", "key", "value")
        }
        q, k, v = project["query"](queries), project["key"](states), project["value"](states)
        position_key, position_query = project["key"](table), project["query"](table)
        slots = self.slots(len(states))
        scores = torch.einsum("hid,hjd->hij", q, k)
        scores = scores + torch.einsum("hid,hijd->hij", q, position_key[:, slots])
        scores = scores + torch.einsum("hjd,hijd->hij", k, position_query[:, slots])
        probabilities = torch.softmax(scores / math.sqrt(3 * width), dim=-1)
        context = torch.einsum("hij,hjd->ihd", probabilities, v).flatten(1)
        rows = self.linear(f"{name}.attention.output.dense", context) + queries
        rows = self.norm(f"{name}.attention.output.LayerNorm", rows)
        inner = functional.gelu(self.linear(f"{name}.intermediate.dense", rows))
        return self.norm(
            f"{name}.output.LayerNorm", self.linear(f"{name}.output.dense", inner) + rows
        )

    def slots(self, length: int) -> Tensor:
        span = self.config.position_buckets
        rows = [
            [
                min(max(bucket(i - j, buckets=span, max_distance=512) + span, 0), 2 * span - 1)
                for j in range(length)
            ]
            for i in range(length)
        ]
        return torch.tensor(rows)

    def decoded(self, ids: Tensor, positions: Tensor | None = None) -> Tensor:
        """All rows of the enhanced mask decoder."""
        positions = torch.arange(len(ids)) if positions is None else positions
        states = self.hidden_states(ids)[-2]
        table = self.state["deberta.embeddings.position_embeddings.weight"]
        first = self.layer(
            self.config.num_hidden_layers - 1, states, queries=table[positions] + states
        )
        return self.layer(self.config.num_hidden_layers - 1, states, queries=first)

    def vocabulary_logits(self, rows: Tensor) -> Tensor:
        rows = functional.gelu(self.linear("lm_predictions.lm_head.dense", rows))
        rows = self.norm("lm_predictions.lm_head.LayerNorm", rows)
        words = self.state["deberta.embeddings.word_embeddings.weight"]
        return rows @ words.T + self.state["lm_predictions.lm_head.bias"]

    def replaced_logits(self, rows: Tensor) -> Tensor:
        rows = self.norm("mask_predictions.LayerNorm", rows[0] + rows)
        rows = functional.gelu(self.linear("mask_predictions.dense", rows))
        return self.linear("mask_predictions.classifier", rows)[:, 0]


def leaves(model: torch.nn.Module) -> dict[str, Tensor]:
    """Copies of all parameters, to take gradients of."""
    return {
        name: parameter.detach().clone().requires_grad_(True)
        for name, parameter in model.named_parameters()
    }


def gradients(state: dict[str, Tensor]) -> dict[str, Tensor | None]:
    return {name: value.grad for name, value in state.items()}
