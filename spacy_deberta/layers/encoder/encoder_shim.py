"""The bridge between a thinc model and a PyTorch module: the encoder, with or without a head."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from thinc.api import Model, Shim, get_torch_default_device
from thinc.util import xp2torch

from spacy_deberta import models, nn
from spacy_deberta.errors import Errors
from spacy_deberta.layers.options import EncoderOptions
from spacy_deberta.layers.packed_batches import PackedBatch, split_batches
from spacy_deberta.layers.sequences import Sequences
from spacy_deberta.layers.settings import ANY_COMPONENT
from spacy_deberta.layers.updates.fused_adam import ParameterUpdate, UpdateFunction
from spacy_deberta.layers.updates.gradient_updates import GradientUpdates
from spacy_deberta.layers.updates.optimization import plan_update
from spacy_deberta.models import build_from_weights, build_head_from_weights

from .encoder_bytes import SavedEncoder, pack_encoder, unpack_encoder
from .forking import use_one_thread_after_fork
from .module_specs import ModuleSpec, Rows

ENCODER_PREFIX = "deberta."


class EncoderShim(Shim):
    """Runs, updates and serializes a module of `spacy_deberta.nn` for thinc.

    The module stays in evaluation mode except during an update, so that several threads can
    predict with one pipeline.

    Args:
        spec: The module's class, and what is read from its output.
        options: How it computes, learns and is stored.
        shares_encoder: Whether a head has no encoder of its own but uses the one of another shim,
            see `share_encoder`. It then updates and stores the head only.
    """

    _model: torch.nn.Module | None

    def __init__(
        self, spec: ModuleSpec, options: EncoderOptions, *, shares_encoder: bool = False
    ) -> None:
        super().__init__(None)
        self.spec = spec
        self.options = options
        self.shares_encoder = shares_encoder
        self.component = ANY_COMPONENT
        self._owner: EncoderShim | None = None
        self._updates = GradientUpdates()

    @property
    def is_loaded(self) -> bool:
        """Whether there is a module yet."""
        return self._model is not None

    @property
    def module(self) -> Any:
        """The module, with the encoder that it has or shares.

        Raises:
            ValueError: There is none before `initialize` or loading (E403), or nobody shares an
                encoder with it (E601).
        """
        if self._model is None:
            raise ValueError(Errors.E403.format(component=self.component))
        if self.shares_encoder:
            encoder = self.shared_encoder
            if getattr(self._model, "deberta", None) is not encoder:
                self._model.deberta = encoder
        return self._model

    @property
    def encoder(self) -> models.DebertaV2Model:
        """The encoder, which is all of the module if there is no head.

        Raises:
            ValueError: There is none, see `module`.
        """
        return self.module.deberta if self.spec.has_head else self.module

    @property
    def shared_encoder(self) -> models.DebertaV2Model:
        """The encoder of the shim that shares it.

        Raises:
            ValueError: There is none (E601).
        """
        if self._owner is None:
            raise ValueError(Errors.E601)
        return self._owner.encoder

    @property
    def config(self) -> nn.DebertaV2Config:
        """The config of the module, which has the labels of its head.

        Raises:
            ValueError: There is no module before `initialize` or loading (E403).
        """
        if self._model is None:
            raise ValueError(Errors.E403.format(component=self.component))
        config: Any = self._model.config
        return config

    def share_encoder(self, owner: "EncoderShim") -> None:
        """Use the encoder of another shim, which updates and stores it, from now on."""
        self._owner = owner

    @property
    def device(self) -> torch.device:
        """Where the encoder is."""
        return next(self.encoder.parameters()).device

    @property
    def precision(self) -> nn.Precision:
        """What the module computes in, on its device."""
        return nn.Precision.named(self.options.precision, self.device)

    def set_module(self, module: torch.nn.Module) -> None:
        """Take a module, and apply what the options say: frozen parts, checkpointing.

        Args:
            module: Of the spec's class. An encoder in it is left out if it is to be shared.
        """
        device = get_torch_default_device()
        if self.shares_encoder:
            del module.deberta
        else:
            encoder: Any = module.deberta if self.spec.has_head else module
            nn.freeze(
                encoder,
                embeddings=self.options.freeze_embeddings,
                layers=self.options.freeze_layers,
            )
            if self.options.gradient_checkpointing:
                encoder.gradient_checkpointing_enable()
        self._model = module.eval().to(device)

    def __call__(
        self, inputs: Sequences, is_train: bool
    ) -> tuple[Rows, Callable[[torch.Tensor], None]]:
        """Run the module on sequences; see `predict` and `begin_update`."""
        use_one_thread_after_fork()
        if is_train:
            return self.begin_update(inputs)
        return self.predict(inputs), lambda d_rows: None

    def predict(self, inputs: Sequences) -> Rows:
        """Run the module on sequences, in sub-batches of bounded size.

        Args:
            inputs: The sequences, packed.

        Returns:
            What the spec reads from the output, float32. For the encoder, rows of the last
            layer, `(rows, hidden_size)`; with `output_hidden_states` those of the embeddings and of
            every layer.
        """
        with torch.no_grad(), self.precision.active(self.device):
            return self._run(inputs, self._run_batch)

    def begin_update(self, inputs: Sequences) -> tuple[Rows, Callable[[torch.Tensor], None]]:
        """Run the module for training.

        Args:
            inputs: The sequences, packed.

        Returns:
            Rows as in `predict`, and a callback that takes the gradient of the last of them and
            adds to the gradients of the parameters.
        """
        with self.module.training_step(), self.precision.active(self.device):
            rows = self._run(inputs, self._run_batch_recomputed)

        def backprop(d_rows: torch.Tensor) -> None:
            if not rows[-1].requires_grad:  # everything is frozen
                return
            if self._scales_gradients:
                d_rows = d_rows * self._updates.scaler.scale
            # With checkpointing the layers run again here, and must reuse the same dropout masks.
            with self.module.training_step():
                torch.autograd.backward(rows[-1], d_rows)

        return rows, backprop

    def _run(self, inputs: Sequences, run: Callable[[PackedBatch, bool], Rows]) -> Rows:
        batches = split_batches(inputs, max_pieces=self.options.max_batch_pieces)
        outputs = [run(batch, len(batches) > 1) for batch in batches]
        if len(outputs) == 1:
            return outputs[0]
        order = torch.cat([self.spec.places(batch) for batch in batches]).argsort()
        order = order.to(self.device)
        return [torch.cat(rows)[order] for rows in zip(*outputs, strict=True)]

    def _run_batch(self, batch: PackedBatch, _: bool) -> Rows:
        has_types = self.encoder.config.type_vocab_size > 0
        pieces = nn.PackedPieces.from_lengths(
            batch.input_ids,
            batch.lengths,
            token_type_ids=batch.token_type_ids if has_types else None,
        ).to(self.device)
        return [rows.float() for rows in self.spec.run(self.module, pieces, batch, self.options)]

    def _run_batch_recomputed(self, batch: PackedBatch, one_of_many: bool) -> Rows:
        """Where there are many sub-batches, keep the activations of one at a time."""
        if not one_of_many:
            return self._run_batch(batch, one_of_many)
        return torch.utils.checkpoint.checkpoint(
            self._run_batch, batch, one_of_many, use_reentrant=False
        )

    @property
    def _scales_gradients(self) -> bool:
        return self.precision.compute == torch.float16

    def own_parameters(self) -> dict[str, torch.nn.Parameter]:
        """Parameters by name, without those of a shared encoder."""
        if self._model is None:
            return {}
        return {
            name: parameter
            for name, parameter in self._model.named_parameters()
            if not (self.shares_encoder and name.startswith(ENCODER_PREFIX))
        }

    def finish_update(self, optimizer: UpdateFunction) -> None:
        """Update the parameters that have gradients, and drop the gradients.

        Args:
            optimizer: thinc's; its learning rate and L2 are those of the top layer's weights. Any
                other function of its arguments will do, such as that of `Language.rehearse`.
        """
        parameters = {
            name: parameter
            for name, parameter in self.own_parameters().items()
            if parameter.grad is not None
        }
        updated = self._updates(
            optimizer,
            {(self.id, name): parameter for name, parameter in parameters.items()},
            {(self.id, name): self._plan_update(name) for name in parameters},
            scaled=self._scales_gradients,
        )
        if updated:
            self.encoder.weights_changed()

    def _plan_update(self, name: str) -> ParameterUpdate:
        return plan_update(
            name.removeprefix(ENCODER_PREFIX),
            layers=self.encoder.config.num_hidden_layers,
            layer_lr_decay=self.options.layer_lr_decay,
            no_decay=self.options.no_decay,
        )

    @contextmanager
    def use_params(self, params: dict[tuple[int, str], Any]) -> Iterator[None]:
        """Use other values for some parameters within a block, such as an optimizer's averages.

        Args:
            params: Arrays by the optimizer's keys; those of other models are passed over.
        """
        parameters = self.own_parameters()
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
        """A copy with weights, and optimizer state, of its own; a shared encoder stays shared."""
        copied = EncoderShim(self.spec, self.options, shares_encoder=self.shares_encoder)
        copied.component = self.component
        copied._owner = self._owner
        if self._model is not None and self.shares_encoder and hasattr(self._model, "deberta"):
            del self._model.deberta
        copied._model = copy.deepcopy(self._model)
        return copied

    def to_device(self, device_type: str, device_id: int) -> None:
        """Move the module; `device_type` is thinc's, `"cpu"` or `"gpu"`."""
        if self._model is not None:
            self._model.to("cpu" if device_type == "cpu" else f"cuda:{device_id}")

    def to_bytes(self) -> bytes:
        """Config and weights, the weights as safetensors in `storage_precision`."""
        saved = None
        if self._model is not None:
            weights = {
                key: tensor
                for key, tensor in self._model.state_dict().items()
                if not (self.shares_encoder and key.startswith(ENCODER_PREFIX))
            }
            saved = SavedEncoder(self.config, weights)
        return pack_encoder(saved, storage_precision=self.options.storage_precision)

    def from_bytes(self, data: bytes) -> "EncoderShim":
        """Build the module that `to_bytes` described.

        Raises:
            ValueError: The bytes are of a newer release, or damaged.
        """
        saved = unpack_encoder(data)
        if saved is None:
            self._model = None
            return self
        build = build_head_from_weights if self.shares_encoder else build_from_weights
        self.set_module(
            build(
                self.spec.module_class,
                saved.weights,
                self.options.configure(saved.config),
                source="saved transformer model",
                allow_non_finite=self.options.allow_non_finite,
                attention=self.options.attention,
            )
        )
        return self


def encoder_shim(model: Model) -> EncoderShim:
    """The shim of a layer that runs a module, or of a copy of it."""
    shim = model.shims[0]
    assert isinstance(shim, EncoderShim)
    return shim
