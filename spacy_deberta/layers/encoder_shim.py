"""The bridge between a thinc model and the PyTorch encoder."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import srsly
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from thinc.api import Optimizer, Shim, get_torch_default_device
from thinc.util import xp2torch

from spacy_deberta import nn
from spacy_deberta.checkpoints import STORAGE_DTYPES, load_weights
from spacy_deberta.errors import Errors

from .forking import use_one_thread_after_fork
from .optimization import plan_update, update_parameter
from .options import EncoderOptions
from .packed_batches import PackedBatch, split_batches
from .precision import GradientScaler, autocast, resolve_precision
from .windows import WindowPlan

# Of the bytes that `to_bytes` gives; a newer one is refused, so that nothing is read wrongly.
FORMAT = 1
# msgpack takes no bytes object of 4 GiB, so larger weights are stored as several.
MAX_BYTES_OBJECT = 2**30

Rows = list[torch.Tensor]


class EncoderShim(Shim):
    """Runs, updates and serializes a `spacy_deberta.nn.DebertaV2Model` for thinc.

    The encoder stays in evaluation mode except during an update, so that several threads can
    predict with one pipeline.
    """

    _model: nn.DebertaV2Model | None

    def __init__(self, options: EncoderOptions) -> None:
        super().__init__(None)
        self.options = options
        self._scaler = GradientScaler()

    @property
    def is_loaded(self) -> bool:
        """Whether there is an encoder yet."""
        return self._model is not None

    @property
    def encoder(self) -> nn.DebertaV2Model:
        """The encoder.

        Raises:
            ValueError: There is none before `initialize` or loading.
        """
        if self._model is None:
            raise ValueError(Errors.E403)
        return self._model

    @property
    def device(self) -> torch.device:
        """Where the encoder is."""
        return next(self.encoder.parameters()).device

    def set_encoder(self, encoder: nn.DebertaV2Model) -> None:
        """Take an encoder, and apply what the options say: frozen parts, checkpointing."""
        nn.freeze(
            encoder,
            embeddings=self.options.freeze_embeddings,
            layers=self.options.freeze_layers,
        )
        if self.options.gradient_checkpointing:
            encoder.gradient_checkpointing_enable()
        self._model = encoder.eval().to(get_torch_default_device())

    def __call__(
        self, inputs: WindowPlan, is_train: bool
    ) -> tuple[Rows, Callable[[torch.Tensor], None]]:
        """Encode windows; see `predict` and `begin_update`."""
        use_one_thread_after_fork()
        if is_train:
            return self.begin_update(inputs)
        return self.predict(inputs), lambda d_rows: None

    def predict(self, inputs: WindowPlan) -> Rows:
        """Encode windows in sub-batches of bounded size.

        Args:
            inputs: The windows, packed.

        Returns:
            Rows of the last layer, `(window_rows, hidden_size)`, float32; with
            `output_hidden_states` those of the embeddings and of every layer.
        """
        with torch.no_grad(), autocast(self.options.precision, self.device):
            return self._encode(inputs, self._encode_batch)

    def begin_update(self, inputs: WindowPlan) -> tuple[Rows, Callable[[torch.Tensor], None]]:
        """Encode windows for training.

        Args:
            inputs: The windows, packed.

        Returns:
            Rows as in `predict`, and a callback that takes the gradient of the last layer's rows,
            `(window_rows, hidden_size)`, and adds to the gradients of the parameters.
        """
        device = self.device
        with _training(self.encoder), autocast(self.options.precision, device):
            rows = self._encode(inputs, self._encode_batch_recomputed)

        def backprop(d_rows: torch.Tensor) -> None:
            if not rows[-1].requires_grad:  # everything is frozen
                return
            if resolve_precision(self.options.precision, device) == "fp16":
                d_rows = d_rows * self._scaler.scale
            # With checkpointing the layers run again here, and must drop out what they dropped.
            with _training(self.encoder):
                torch.autograd.backward(rows[-1], d_rows)

        return rows, backprop

    def _encode(self, plan: WindowPlan, encode: Callable[[PackedBatch, bool], Rows]) -> Rows:
        batches = split_batches(plan, max_pieces=self.options.max_batch_pieces)
        encoded = [encode(batch, len(batches) > 1) for batch in batches]
        if len(encoded) == 1:
            return encoded[0]
        order = torch.cat([batch.rows for batch in batches]).argsort().to(self.device)
        return [torch.cat(layer)[order] for layer in zip(*encoded, strict=True)]

    def _encode_batch(self, batch: PackedBatch, _: bool) -> Rows:
        output = self.encoder.forward_packed(
            nn.PackedPieces.from_lengths(batch.input_ids, batch.lengths).to(self.device),
            output_hidden_states=self.options.output_hidden_states,
        )
        return [rows.float() for rows in output.hidden_states or (output.last_hidden_state,)]

    def _encode_batch_recomputed(self, batch: PackedBatch, one_of_many: bool) -> Rows:
        """Where there are many sub-batches, keep the activations of one at a time."""
        if not one_of_many:
            return self._encode_batch(batch, one_of_many)
        return torch.utils.checkpoint.checkpoint(
            self._encode_batch, batch, one_of_many, use_reentrant=False
        )

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update the parameters that have gradients, and drop the gradients.

        Args:
            optimizer: thinc's; its learning rate and L2 are those of the top layer's weights.
        """
        parameters = {
            name: parameter
            for name, parameter in self.encoder.named_parameters()
            if parameter.grad is not None
        }
        if resolve_precision(self.options.precision, self.device) == "fp16" and not (
            self._scaler.unscale([p.grad for p in parameters.values() if p.grad is not None])
        ):
            for parameter in parameters.values():
                parameter.grad = None
            return
        for name, parameter in parameters.items():
            update = plan_update(
                name,
                layers=self.encoder.config.num_hidden_layers,
                layer_lr_decay=self.options.layer_lr_decay,
                no_decay=self.options.no_decay,
            )
            update_parameter(optimizer, (self.id, name), parameter, update)

    @contextmanager
    def use_params(self, params: dict[tuple[int, str], Any]) -> Iterator[None]:
        """Use other values for some parameters within a block, such as an optimizer's averages.

        Args:
            params: Arrays by the optimizer's keys; those of other models are passed over.
        """
        parameters = dict(self._model.named_parameters()) if self._model is not None else {}
        used = {name: params[(self.id, name)] for name in parameters if (self.id, name) in params}
        kept = {name: parameters[name].data for name in used}
        for name, values in used.items():
            parameters[name].data = xp2torch(values, device=self.device)
        try:
            yield
        finally:
            for name, data in kept.items():
                parameters[name].data = data

    def copy(self) -> "EncoderShim":
        """A copy with weights, and optimizer state, of its own."""
        copied = EncoderShim(self.options)
        copied._model = copy.deepcopy(self._model)
        return copied

    def to_device(self, device_type: str, device_id: int) -> None:
        """Move the encoder; `device_type` is thinc's, `"cpu"` or `"gpu"`."""
        if self._model is not None:
            self._model.to("cpu" if device_type == "cpu" else f"cuda:{device_id}")

    def to_bytes(self) -> bytes:
        """Config and weights, the weights as safetensors in `storage_precision`."""
        if self._model is None:
            return srsly.msgpack_dumps({"format": FORMAT, "config": None})
        dtype = STORAGE_DTYPES[self.options.storage_precision]
        weights = save_safetensors(
            {key: value.to("cpu", dtype) for key, value in self._model.state_dict().items()}
        )
        return srsly.msgpack_dumps(
            {
                "format": FORMAT,
                "config": json.dumps(self._model.config.to_dict()),
                "weights": [
                    weights[start : start + MAX_BYTES_OBJECT]
                    for start in range(0, len(weights), MAX_BYTES_OBJECT)
                ],
            }
        )

    def from_bytes(self, data: bytes) -> "EncoderShim":
        """Build the encoder that `to_bytes` described.

        Raises:
            ValueError: The bytes are of a newer release, or damaged.
        """
        message = _read_message(data)
        if message["config"] is None:
            self._model = None
            return self
        config = self.options.configure(nn.DebertaV2Config.from_dict(json.loads(message["config"])))
        try:
            weights = load_safetensors(b"".join(message["weights"]))
        except SafetensorError as error:
            raise ValueError(Errors.E407.format(error=error)) from error
        with torch.device("meta"):
            encoder = nn.DebertaV2Model(config, attention=self.options.attention)
        load_weights(encoder, weights, source="saved transformer model")
        self.set_encoder(encoder)
        return self


def _read_message(data: bytes) -> dict[str, Any]:
    try:
        message = srsly.msgpack_loads(data)
        found = message["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(Errors.E407.format(error=error)) from error
    if found > FORMAT:
        raise ValueError(Errors.E406.format(found=found, known=FORMAT))
    return message


@contextmanager
def _training(encoder: nn.DebertaV2Model) -> Iterator[None]:
    encoder.train()
    try:
        yield
    finally:
        encoder.eval()
