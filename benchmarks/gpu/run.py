"""What all stages of a run share."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wasabi import msg

from benchmarks.gpu.inputs import Inputs
from benchmarks.measures.results import ABSENT, Case, Measurement, Results
from benchmarks.measures.settings import Settings
from benchmarks.measures.timing import CannotMeasureError


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run on one device.

    Attributes:
        inputs: Corpora and texts.
        settings: Sizes, vocabulary, and the folder of checkpoints.
        device: "cuda" or "cpu".
        quick: Whether sizes are tiny, and figures mean nothing.
        deadline: When to stop, as `time.time()`.
    """

    inputs: Inputs
    settings: Settings
    device: str
    quick: bool
    deadline: float

    @property
    def seconds_left(self) -> float:
        """Until the deadline."""
        return self.deadline - time.time()

    def measure(
        self,
        results: Results,
        case: Case,
        measure: Callable[[], Iterable[Measurement]],
        *,
        who: str = "ours",
    ) -> None:
        """Measure a case if it is not measured yet and there is time, and save its figures.

        An error becomes a measurement without values, and other cases follow.

        Args:
            results: Where to add it.
            case: The case.
            measure: Measures it.
            who: The contender of an error.
        """
        if results.has(case):
            return
        if self.seconds_left <= 0:
            msg.warn(f"{results.name}: no time for {dict(case)}")
            return
        start = time.time()
        try:
            results.add(measure())
        except CannotMeasureError as error:
            results.add([error.as_measurement(case, who)])
        except Exception as error:
            text = f"{type(error).__name__}: {error}".splitlines()[0][:300]
            results.add([Measurement(case=case, who=who, problem=ABSENT, why=text)])
            msg.fail(f"{results.name}: {dict(case)}: {text}")
        msg.text(f"{results.name}: {dict(case)} in {time.time() - start:.1f} s")
