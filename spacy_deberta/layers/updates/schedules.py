"""Learning rate schedules that depend on the width of the encoder."""

from collections.abc import Iterable, Iterator

from spacy_deberta.checkpoints import find_checkpoint, read_config
from spacy_deberta.errors import Warnings, warn

# The learning rate of a base-size encoder, and its width.
BASE_RATE = 5e-5
BASE_WIDTH = 768
# The smallest width that the rate was measured for.
SMALLEST_WIDTH = 256


def rate_for_width(width: int) -> float:
    """The peak learning rate for fine-tuning a pretrained encoder.

    The rate is proportional to the inverse square of the width. The exponent is fitted to the best
    rates on three tasks at a width of 256 and to the rate of the base size. Other widths are
    interpolated or extrapolated, and widths below 256 have the rate of 256. See docs/training.md.

    Args:
        width: `hidden_size` of the encoder.
    """
    return BASE_RATE * (BASE_WIDTH / max(width, SMALLEST_WIDTH)) ** 2


def warmup_linear_v1(
    warmup_steps: int,
    total_steps: int,
    encoder: str | None = None,
    initial_rate: float | None = None,
) -> Iterable[float]:
    """Thinc's `warmup_linear.v1` with a peak rate that depends on the encoder's width.

    The encoder's config is read when the peak rate is first needed, after the first update of the
    warm-up, so a config can be loaded and checked without the checkpoint.

    warmup_steps (int): Number of steps in which the rate rises from 0.
    total_steps (int): Number of steps after which the rate is 0 again.
    encoder (Optional[str]): Folder or hub name of a checkpoint, whose `config.json` has the width.
    initial_rate (Optional[float]): The peak rate; None for that of the encoder.
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
