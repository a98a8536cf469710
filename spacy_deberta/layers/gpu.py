"""Select the GPU that pipelines run on."""

from thinc.api import require_gpu

from spacy_deberta.errors import Errors


def select_gpu(number: int) -> None:
    """Run thinc, and the PyTorch modules in its models, on a GPU from now on.

    Args:
        number: Index of the GPU, from 0.

    Raises:
        ValueError: There is no such GPU, or a dependency of thinc is not installed (E513).
    """
    try:
        require_gpu(number)
    # CuPy's own errors are RuntimeErrors.
    except (ValueError, RuntimeError) as error:
        raise ValueError(Errors.E513.format(number=number, reason=error)) from error
