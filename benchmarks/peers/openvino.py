"""OpenVINO on the ONNX export of Hugging Face's encoder."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.measures.timing import CannotMeasureError
from benchmarks.peers import huggingface, onnx

# OpenVINO's names of precisions. The int8 export is computed as it is, the rest of it in float32.
PRECISIONS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}


class OpenVinoEncoder:
    """A compiled encoder of a checkpoint; called as `OnnxEncoder`.

    Args:
        path: The exported model.
        config: Hugging Face's config of it.
        dtype: `"fp32"`, `"bf16"` or `"int8"`.
        threads: Number of CPU threads.
    """

    def __init__(self, path: Path, config: Any, dtype: str, threads: int) -> None:
        import openvino

        self._model = openvino.Core().compile_model(
            str(path),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": PRECISIONS[dtype],
                "INFERENCE_NUM_THREADS": threads,
                "PERFORMANCE_HINT": "LATENCY",
            },
        )
        self._names = [value.get_any_name() for value in self._model.inputs]
        self._positions = huggingface.position_settings(config)

    def __call__(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Encode (sequences, length): hidden states, (sequences, length, width)."""
        mask = torch.ones_like(ids) if mask is None else mask.long()
        positions = huggingface.relative_positions(ids.shape[1], *self._positions)
        values = (ids, mask, positions)
        inputs = {name: value.numpy() for name, value in zip(self._names, values, strict=True)}
        return torch.from_numpy(self._model(inputs)[0].copy())


def load_encoder(model: Any, path: Path, dtype: str, *, threads: int) -> OpenVinoEncoder:
    """Export Hugging Face's encoder as for ONNX Runtime, unless the file exists, and compile it.

    Args:
        model: Hugging Face's encoder.
        path: The export in float32.
        dtype: `"fp32"`, `"bf16"` or `"int8"`.
        threads: Number of CPU threads.

    Raises:
        CannotMeasureError: OpenVINO or ONNX Runtime is not installed, or the export is incorrect.
    """
    try:
        import openvino  # noqa: F401
    except ImportError as error:
        raise CannotMeasureError(f"{error.name} is not installed: {onnx.INSTALL}") from None
    onnx.load_encoder(model, path, threads=threads)
    if dtype == "int8":
        path = onnx.quantize_export(path)
    encoder = OpenVinoEncoder(path, model.config, dtype, threads)
    if dtype == "fp32":
        onnx.check_lengths(encoder, model)
    return encoder
