"""The stack of layers, with their shared relative positions and batch plan."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from spacy_deberta.errors import Errors

from .attention import AttentionContext, AttentionKernel, BatchLayout, plan_attention
from .config import DebertaV2Config
from .convolution import ConvLayer
from .inference.precision import Precision, compute_dtype
from .inference.prepared import PreparedLayers
from .inference.prepared_layer import LayerFunction
from .inference.smoothing import Examples
from .layer import DebertaV2Layer
from .ops.packing import PackedPieces
from .outputs import EncoderOutput
from .relative_positions import slot_table


class DebertaV2Encoder(nn.Module):
    """All layers, the relative position table and, in version 2, the convolution.

    Args:
        config: The model's config.

    Source: He et al. 2021 (arXiv 2006.03654), section 3; `deberta.encoder.*` of the checkpoints.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.config = config
        self.layer = nn.ModuleList(DebertaV2Layer(config) for _ in range(config.num_hidden_layers))
        self.rel_embeddings = (
            nn.Embedding(2 * config.position_span, config.hidden_size)
            if config.relative_attention
            else None
        )
        self.LayerNorm = (
            nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
            if config.normalizes_positions
            else None
        )
        self.conv = ConvLayer(config) if config.conv_kernel_size else None
        self.gradient_checkpointing = False
        self.prepared = PreparedLayers()

    def context(
        self,
        pieces: PackedPieces,
        kernel: AttentionKernel,
        *,
        query_rows: Tensor | None = None,
        projected: bool = False,
    ) -> AttentionContext:
        """Prepare the shared state of all layers for one batch.

        Args:
            pieces: The batch.
            kernel: The attention kernel.
            query_rows: (query_rows,) int64, the packed rows with queries; None for all. See
                `BatchLayout`.
            projected: Whether the layers have cached projections of the relative positions.

        Returns:
            The context for `DebertaV2Layer.forward`.
        """
        slots, dtype = None, torch.float32
        longest = max(pieces.lengths, default=0)
        if self.rel_embeddings is not None and longest:
            slots = slot_table(longest, self.config, pieces.device)
            dtype = compute_dtype(self.rel_embeddings.weight)
        layout = BatchLayout(
            lengths=pieces.lengths,
            cu_seqlens=pieces.cu_seqlens,
            num_heads=self.config.num_attention_heads,
            slots=slots,
            query_rows=query_rows,
            dtype=dtype,
        )
        positions = None
        if slots is not None and not projected:
            positions = self.positions(slots.start, slots.stop)
        return plan_attention(kernel, layout, positions)

    def positions(self, start: int = 0, stop: int | None = None) -> Tensor | None:
        """Rows of the relative position table, normalized, before projection by the layers.

        Args:
            start: First slot.
            stop: One past the last slot; None for all.

        Returns:
            (slots, hidden_size), or None if there is no table.
        """
        if self.rel_embeddings is None:
            return None
        rows = self.rel_embeddings.weight[start:stop]
        return rows if self.LayerNorm is None else self.LayerNorm(rows)

    def _layer_functions(
        self, embedded: Tensor, examples: Callable[[], Examples] | None
    ) -> Sequence[LayerFunction]:
        """The layers: prepared ones in inference, the modules in training.

        Args:
            embedded: The input of the first layer.
            examples: See `PreparedLayers.get`.

        Raises:
            ValueError: If int8 weights are requested on another device than the CPU (E124).
        """
        if self.training or torch.is_grad_enabled():
            # Not every optimizer bumps `_version` of the weights.
            self.prepared.forget()
            return tuple(self.layer)
        if torch.jit.is_tracing() or torch.compiler.is_compiling() or not len(self.layer):
            return tuple(self.layer)
        precision = Precision.current(embedded)
        if precision.weights == torch.int8 and embedded.device.type != "cpu":
            raise ValueError(Errors.E124.format(device=embedded.device))
        return self.prepared.get(self, tuple(self.layer), self.positions, precision, examples)

    def examples(
        self, embed: Callable[[], tuple[Tensor, PackedPieces]], kernel: AttentionKernel
    ) -> Examples:
        """A batch by which weights are quantized.

        Args:
            embed: Returns the embeddings of the batch, and the batch.
            kernel: The attention kernel.
        """
        embedded, pieces = embed()

        def after_first(hidden: Tensor) -> Tensor:
            return hidden if self.conv is None else self.conv(embedded, hidden, pieces.lengths)

        return Examples(embedded, self.context(pieces, kernel, projected=True), after_first)

    def forward(
        self,
        embedded: Tensor,
        pieces: PackedPieces,
        kernel: AttentionKernel,
        *,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
        layers: int | None = None,
        output_rows: Tensor | None = None,
        embed_examples: Callable[[], tuple[Tensor, PackedPieces]] | None = None,
        cuda_graphs: bool = False,
    ) -> EncoderOutput:
        """Run all layers, or the first ones.

        Args:
            embedded: (total_pieces, hidden_size), output of the embeddings.
            pieces: The batch.
            kernel: The attention kernel.
            output_hidden_states: Whether to return `embedded` and the output of every layer.
            output_attentions: Whether to return the attention probabilities of every layer.
            layers: Number of layers to run, from the input; None for all.
            output_rows: (output_rows,) int64, the rows of the last hidden state; None for all.
                Other rows of the last layer are not computed after its attention.
            embed_examples: Returns a batch and its embeddings, by which int8 quantization chooses
                how it treats outliers; None for treating them like all values.
            cuda_graphs: Whether prepared layers may run by CUDA graphs: see `LayerGraphs`.

        Returns:
            Packed: see `EncoderOutput`.
        """
        examples = embed_examples and partial(self.examples, embed_examples, kernel)
        functions = self._layer_functions(embedded, examples)
        has_modules = any(isinstance(function, nn.Module) for function in functions)
        is_plain = not (output_hidden_states or output_attentions)
        is_plain = is_plain and layers is None and output_rows is None
        if cuda_graphs and is_plain and not has_modules:
            graphs = self.prepared.graphs
            rows = graphs.run(functions, embedded, pieces.lengths, kernel, self.config)
            if rows is not None:
                return EncoderOutput(last_hidden_state=rows)
        context = self.context(pieces, kernel, projected=not has_modules)
        recompute = self.gradient_checkpointing and self.training and torch.is_grad_enabled()
        hidden = embedded
        # Kept states would need new memory in every layer, which is not in the caches.
        states, attentions = [embedded], []
        run = functions[:layers]
        # The convolution after the first layer needs all rows.
        last = len(run) - 1 if len(run) > (self.conv is not None) else -1
        for index, layer in enumerate(run):
            options: dict[str, Any] = {"return_attentions": output_attentions}
            if index == last and output_rows is not None:
                options["output_rows"] = output_rows
            if recompute:
                options |= {"keep_activations": True, "use_reentrant": False}
                hidden, probabilities = checkpoint(layer, hidden, context, **options)
            else:
                hidden, probabilities = layer(hidden, context, **options)
            if index == 0 and self.conv is not None:
                hidden = self.conv(embedded, hidden, pieces.lengths)
            if output_hidden_states:
                states.append(hidden)
            attentions.append(probabilities)
        if output_rows is not None and last < 0:
            hidden = hidden.index_select(0, output_rows)
        return EncoderOutput(
            last_hidden_state=hidden,
            hidden_states=tuple(states) if output_hidden_states else None,
            attentions=tuple(attentions) if output_attentions else None,
        )
