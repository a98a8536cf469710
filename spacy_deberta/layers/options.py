"""The encoder's settings from a config, validated once."""

from dataclasses import dataclass, replace
from typing import Any, cast

from spacy_deberta.checkpoints import STORAGE_DTYPES
from spacy_deberta.errors import check_flag, check_number
from spacy_deberta.nn import (
    DebertaV2Config,
    check_load_precision,
    check_precision,
    resolve_attention,
)

from .settings import check_choice, check_setting

NO_DECAY = ("bias", "LayerNorm")
FAR_POSITIONS = ("microsoft", "huggingface")
# Spelled out: a string such as "no" is true.
_FLAGS = (
    "gradient_checkpointing",
    "output_hidden_states",
    "freeze_embeddings",
    "map_weights",
    "allow_non_finite",
)
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True, kw_only=True)
class EncoderOptions:
    """How the encoder is run, trained and stored. No option changes the shapes of the weights.

    Attributes:
        precision: `"auto"`, `"fp32"`, `"bf16"`, `"fp16"` or, for inference on the CPU, `"int8"`;
            weights stay float32.
        attention: Name of an attention kernel, or `"auto"`.
        far_positions: How distances beyond the trained ones are encoded, see `DebertaV2Config`;
            None for the checkpoint's choice.
        max_batch_pieces: Maximum number of pieces in a sub-batch, `[CLS]` and `[SEP]` included; a
            single window may be longer.
        gradient_checkpointing: Recompute the activations of each layer in the backward pass.
        output_hidden_states: Return the hidden states of every layer, not only of the last.
        freeze_embeddings: Do not train the embeddings.
        freeze_layers: Do not train this many of the lowest layers.
        layer_lr_decay: Factor on the learning rate for each layer further down.
        no_decay: Parameters with one of these in their name are exempt from weight decay.
        storage_precision: How weights are saved: `"fp32"`, `"fp16"`, `"bf16"`, or `"int8"`, which
            only this package reads; None for the dtype in which each is held.
        load_precision: `"fp32"`, or for prediction with less memory `"bf16"`, see `nn.load_in`, or
            `"int8"`, see `nn.hold_in_int8`.
        map_weights: Map weights from large files; False reads them when the model is loaded.
        allow_non_finite: Accept weights that are not finite.
        device: Where the module is, see `resolve_device`; None for the device of thinc's layers.
    """

    precision: str = "auto"
    attention: str = "auto"
    far_positions: str | None = None
    max_batch_pieces: int = 8192
    gradient_checkpointing: bool = False
    output_hidden_states: bool = False
    freeze_embeddings: bool = False
    freeze_layers: int = 0
    layer_lr_decay: float = 1.0
    no_decay: tuple[str, ...] = NO_DECAY
    storage_precision: str | None = None
    load_precision: str = "fp32"
    map_weights: bool = True
    allow_non_finite: bool = False
    device: str | None = None

    def __post_init__(self) -> None:
        check_precision(self.precision)
        check_load_precision(self.load_precision)
        resolve_attention(self.attention)
        if self.far_positions is not None:
            check_choice("far_positions", self.far_positions, FAR_POSITIONS)
        if self.storage_precision is not None:
            check_choice("storage_precision", self.storage_precision, (*STORAGE_DTYPES, "int8"))
        if self.device is not None:
            check_choice("device", self.device, DEVICES)
        for name in _FLAGS:
            check_flag(name, getattr(self, name))
        pieces, decay, layers = self.max_batch_pieces, self.layer_lr_decay, self.freeze_layers
        check_number("max_batch_pieces", pieces, lambda n: n >= 1, "at least 1", whole=True)
        check_number("layer_lr_decay", decay, lambda x: 0 < x <= 1, "above 0 and at most 1")
        check_number("freeze_layers", layers, lambda n: n >= 0, "at least 0", whole=True)

    @property
    def keeps_int8(self) -> bool:
        """Whether weights that are stored in int8 are held in it, whatever else is loaded."""
        return self.storage_precision == "int8"

    def configure(self, config: DebertaV2Config) -> DebertaV2Config:
        """The config of an encoder with these options.

        Raises:
            ValueError: The options ask for what an encoder of this config does not have.
        """
        layers = config.num_hidden_layers
        check_setting(
            self.freeze_layers <= layers,
            "freeze_layers",
            self.freeze_layers,
            f"at most {layers}, the layers of this encoder",
        )
        if self.far_positions is None:
            return config
        return replace(config, far_positions=cast(Any, self.far_positions))
