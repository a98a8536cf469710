"""The thinc shim of a PyTorch module: the encoder, with or without a head."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from thinc.api import Model, Shim

from spacy_deberta import models, nn
from spacy_deberta.errors import Errors
from spacy_deberta.layers.encoder_owner import EncoderOwner
from spacy_deberta.layers.options import EncoderOptions
from spacy_deberta.layers.settings import ANY_COMPONENT
from spacy_deberta.layers.updates.fused_adam import ParameterUpdate, UpdateFunction
from spacy_deberta.layers.updates.gradient_updates import GradientUpdates
from spacy_deberta.layers.updates.optimization import plan_update
from spacy_deberta.layers.updates.swapped_values import swapped_values

from .applied_options import apply_options
from .batches import EncoderBatch, OutputUnit
from .device import resolve_device
from .encoder_bytes import SavedEncoder, build_saved, pack_encoder, unpack_encoder
from .output_rows import Rows
from .stored_weights import ENCODER_PREFIX, stored_weights


class EncoderShim(Shim):
    """Runs, updates and serializes a module of `spacy_deberta.nn` for thinc.

    The module stays in evaluation mode except during an update, so several threads can predict
    with one pipeline.

    Args:
        options: How the module is run, trained and stored.
        head: The head of the module; None for the encoder alone.
        shared: Whose encoder a head uses, see `share_encoder`; the shim then updates and stores the
            head only. None for its own.
    """

    _model: torch.nn.Module | None

    def __init__(
        self,
        options: EncoderOptions,
        *,
        head: models.HeadSpec | None = None,
        shared: EncoderOwner | None = None,
    ) -> None:
        super().__init__(None)
        self.head = head
        self.options = options
        self.shared = shared
        self.shares_encoder = shared is not None
        self.component = ANY_COMPONENT
        self.head_rates: dict[str, float] = {}  # see `plan_update`
        self._owner: EncoderShim | None = None
        self._updates = GradientUpdates()

    @property
    def module_class(self) -> type[models.DebertaV2PreTrainedModel]:
        """The class of the module."""
        return models.DebertaV2Model if self.head is None else self.head.module_class

    @property
    def unit(self) -> OutputUnit:
        """What a row of the module's output stands for."""
        return "pieces" if self.head is None else self.head.rows

    @property
    def is_loaded(self) -> bool:
        """Whether the module is loaded or initialized."""
        return self._model is not None

    @property
    def module(self) -> Any:
        """The module, with its own or the shared encoder.

        Raises:
            ValueError: There is none before `initialize` or loading (E403), or no encoder is shared
                with it (E601).
        """
        if self._model is None:
            raise ValueError(Errors.E403.format(component=self.component))
        if self.shares_encoder:
            encoder = self.shared_encoder
            if getattr(self._model, "deberta", None) is not encoder:
                self._model.to(encoder.device).deberta = encoder
        return self._model

    @property
    def encoder(self) -> models.DebertaV2Model:
        """The encoder: the module itself if there is no head.

        Raises:
            ValueError: There is none, see `module`.
        """
        return self.module if self.head is None else self.module.deberta

    @property
    def shared_encoder(self) -> models.DebertaV2Model:
        """The encoder of the shim that shares it.

        Raises:
            ValueError: There is none (E601).
        """
        if self._owner is None:
            assert self.shared is not None
            raise self.shared.missing(self.component)
        return self._owner.encoder

    @property
    def config(self) -> nn.DebertaV2Config:
        """The config of the module, with the labels of its head.

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
        """The device of the encoder."""
        return next(self.encoder.parameters()).device

    @property
    def precision(self) -> nn.Precision:
        """The precision of prediction, on the module's device."""
        return nn.Precision.named(self.options.precision, self.device)

    def set_module(self, module: torch.nn.Module) -> None:
        """Set the module, and apply the options: frozen parameters, gradient checkpointing.

        Args:
            module: Of `module_class`. Its encoder is removed if another one is shared.
        """
        if self.shares_encoder:
            del module.deberta
        else:
            encoder: Any = module if self.head is None else module.deberta
            apply_options(encoder, self.options)
        self._model = module.eval().to(resolve_device(self.options.device))

    @contextmanager
    def predicting(self) -> Iterator[None]:
        """Context for inference, in the module's precision."""
        with torch.no_grad(), self.precision.active(self.device):
            yield

    @contextmanager
    def training(self) -> Iterator[None]:
        """Context for the forward pass of training, in its precision."""
        with self.module.training_step(), self.precision.of_training.active(self.device):
            yield

    def run_batch(self, batch: EncoderBatch) -> Rows:
        """Run the module on one sub-batch, within `predicting` or `training`.

        Args:
            batch: The sub-batch.

        Returns:
            The logits of the head, or the hidden states of the last layer, `(rows, hidden_size)`;
            with `output_hidden_states` those of the embeddings and of every layer. All float32.
        """
        has_types = self.encoder.config.type_vocab_size > 0
        pieces = nn.PackedPieces.from_lengths(
            batch.input_ids,
            batch.lengths,
            token_type_ids=batch.token_type_ids if has_types else None,
        ).to(self.device)
        if self.head is not None:
            return [self.module.score_packed(pieces, decoded=batch.decoded).float()]
        states = self.options.output_hidden_states
        output = self.module.forward_packed(pieces, output_hidden_states=states)
        return [rows.float() for rows in output.hidden_states or (output.last_hidden_state,)]

    def backprop(self, rows: torch.Tensor, d_rows: torch.Tensor) -> None:
        """Accumulate the gradients of the parameters.

        Args:
            rows: The output of a forward pass of training.
            d_rows: Its gradient.
        """
        if not rows.requires_grad:  # everything is frozen
            return
        if self._scales_gradients:
            d_rows = d_rows * self._updates.scaler.scale
        # With checkpointing the layers run again here, and must reuse the same dropout masks.
        with self.module.training_step():
            torch.autograd.backward(rows, d_rows)

    @property
    def _scales_gradients(self) -> bool:
        return self.precision.compute == torch.float16

    def own_parameters(self) -> dict[str, torch.nn.Parameter]:
        """Parameters by name, without those of a shared encoder."""
        if self._model is None:
            return {}
        return {name: p for name, p in self._model.named_parameters() if self._owns(name)}

    def _owns(self, name: str) -> bool:
        return not (self.shares_encoder and name.startswith(ENCODER_PREFIX))

    def finish_update(self, optimizer: UpdateFunction) -> None:
        """Update the parameters that have gradients, and drop the gradients.

        Args:
            optimizer: thinc's; its learning rate and L2 apply to the weights of the top layer. Any
                function with the same arguments works, such as that of `Language.rehearse`.
        """
        own = self.own_parameters().items()
        parameters = {name: parameter for name, parameter in own if parameter.grad is not None}
        if self._updates(
            optimizer,
            {(self.id, name): parameter for name, parameter in parameters.items()},
            {(self.id, name): self._plan_update(name) for name in parameters},
            scaled=self._scales_gradients,
        ):
            self.encoder.weights_changed()

    def _plan_update(self, name: str) -> ParameterUpdate:
        return plan_update(
            name.removeprefix(ENCODER_PREFIX),
            layers=self.encoder.config.num_hidden_layers,
            layer_lr_decay=self.options.layer_lr_decay,
            no_decay=self.options.no_decay,
            rates=self.head_rates,
        )

    @contextmanager
    def use_params(self, params: dict[tuple[int, str], Any]) -> Iterator[None]:
        """Swap in other values for some parameters, such as an optimizer's averages.

        Args:
            params: Arrays by the optimizer's keys; those of other models are ignored.
        """
        parameters = self.own_parameters()
        used = {name: params[(self.id, name)] for name in parameters if (self.id, name) in params}
        with swapped_values(parameters, used):
            yield

    def copy(self) -> "EncoderShim":
        """A copy with its own weights and update state; a shared encoder stays shared."""
        copied = EncoderShim(
            self.options, head=self.head, shared=self.shared and self.shared.copy()
        )
        copied.component = self.component
        copied.head_rates = dict(self.head_rates)
        copied._owner = self._owner
        if self._model is not None and self.shares_encoder and hasattr(self._model, "deberta"):
            del self._model.deberta
        copied._model = copy.deepcopy(self._model)
        return copied

    def to_device(self, device_type: str, device_id: int) -> None:
        """Move the module with thinc's layers, `"cpu"` or `"gpu"`, unless it has its own device."""
        if self._model is not None and self.options.device is None:
            self._model.to("cpu" if device_type == "cpu" else f"cuda:{device_id}")

    def to_bytes(self) -> bytes:
        """Config and weights, the weights as safetensors in `storage_precision`."""
        if self._model is None:
            return pack_encoder(None, storage_precision=None)
        only = self.shares_encoder
        weights, precision = stored_weights(self._model, self.options, head_only=only)
        return pack_encoder(SavedEncoder(self.config, weights), storage_precision=precision)

    def from_bytes(self, data: bytes) -> "EncoderShim":
        """Build the module from the result of `to_bytes`.

        Raises:
            ValueError: The bytes are of a newer release, or damaged.
        """
        saved = unpack_encoder(data)
        if saved is None:
            self._model = None
        else:
            head_only = self.shares_encoder
            built = build_saved(saved, self.module_class, self.options, head_only=head_only)
            self.set_module(built)
        return self


def encoder_shim(model: Model) -> EncoderShim:
    """The shim of a layer that runs a module, or of a copy of it."""
    shim = model.shims[0]
    assert isinstance(shim, EncoderShim)
    return shim
