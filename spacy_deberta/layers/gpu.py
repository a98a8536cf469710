"""Which GPU pipelines compute on."""

from thinc.api import require_gpu

from spacy_deberta.errors import Errors


def select_gpu(number: int) -> None:
    """Let thinc, and the PyTorch modules in its models, compute on a GPU from now on.

    Args:
        number: The number of the GPU, from 0 on.

    Raises:
        ValueError: There is no such GPU, or what thinc needs for it is not installed (E513).
    """
    try:
        require_gpu(number)
    # CuPy's own errors are RuntimeErrors.
    except (ValueError, RuntimeError) as error:
        raise ValueError(Errors.E513.format(number=number, reason=error)) from error
