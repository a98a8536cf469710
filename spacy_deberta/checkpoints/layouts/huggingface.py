"""Hugging Face's layout, whose names are ours: `config.json`, `model.safetensors` or `.bin`."""

from .keys import KeyMap

LAYOUT = "huggingface"

HUGGING_FACE = KeyMap(layout=LAYOUT)
# Files converted from TensorFlow by early releases name the scale and shift of LayerNorm so.
HUGGING_FACE_GAMMA_BETA = KeyMap(
    layout="huggingface (gamma and beta)",
    renames=((".LayerNorm.weight", ".LayerNorm.gamma"), (".LayerNorm.bias", ".LayerNorm.beta")),
)
