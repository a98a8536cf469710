"""Learning rates that follow the size of the encoder."""

from collections.abc import Iterable, Iterator

from spacy_deberta.checkpoints import find_checkpoint, read_config
from spacy_deberta.errors import Warnings, warn

# The learning rate of a base-size encoder, and its width.
BASE_RATE = 5e-5
BASE_WIDTH = 768
# The smallest width that the rate was measured for.
SMALLEST_WIDTH = 256


def rate_for_width(width: int) -> float:
    """The highest learning rate for fine-tuning a pretrained encoder.

    The square of the width is the power that meets what was measured at a width of 256 on three
    tasks; other widths than that and the base size's follow from it, and those below have the same
    rate. See docs/training.md.

    Args:
        width: Its `hidden_size`.
    """
    return BASE_RATE * (BASE_WIDTH / max(width, SMALLEST_WIDTH)) ** 2


def warmup_linear_v1(
    warmup_steps: int,
    total_steps: int,
    encoder: str | None = None,
    initial_rate: float | None = None,
) -> Iterable[float]:
    """Thinc's `warmup_linear.v1` with a highest rate that follows the encoder.

    The encoder is looked up when its rate is first needed, which is after the update that begins
    the warm-up: a config whose checkpoint is elsewhere can be loaded and checked.

    warmup_steps (int): Over so many steps the rate rises from 0.
    total_steps (int): After so many steps it has fallen to 0.
    encoder (Optional[str]): A folder or name with a `config.json` that says the width.
    initial_rate (Optional[float]): The highest rate; None for that of the encoder.
    YIELDS (float): The rate of each step.
    """
    return _rates(warmup_steps, total_steps, encoder, initial_rate)


def _rates(
    warmup_steps: int, total_steps: int, encoder: str | None, highest: float | None
) -> Iterator[float]:
    step = 0
    while True:
        if step < warmup_steps:
            factor = step / warmup_steps
        else:
            factor = max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))
        if factor and highest is None:
            highest = _rate_of(encoder)
        yield factor * (highest or 0.0)
        step += 1


def _rate_of(encoder: str | None) -> float:
    if encoder is None:
        why = "no 'encoder' is given"
    else:
        try:
            return rate_for_width(read_config(find_checkpoint(encoder)).hidden_size)
        except OSError as error:
            why = f"its checkpoint is not at hand ({error})"
    warn(Warnings.W440.format(why=why, rate=BASE_RATE))
    return BASE_RATE
