"""Histograms as plain integers, and as Prometheus's text format has them."""

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.utils import floatToGoString

from podium.core.label_values import escaped
from podium.runtime.faults import Outcome

if TYPE_CHECKING:
    from podium.runtime.prediction.distribution import Predictions  # imports pandas, which takes a second

BAD = frozenset({Outcome.MODEL_ERROR, Outcome.NAN, Outcome.TIMEOUT})

# The outcomes whose time says something of the model. Refusals and the client's faults are quick, and would hide
# a slow model among fast answers that it never gave.
TIMED = BAD | {Outcome.OK}


class Tally:
    """A histogram: how many values fell at or below each edge."""

    def __init__(self, edges: tuple[float, ...]) -> None:
        self._edges = edges
        self._counts = [0] * (len(edges) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._edges, value)] += 1
        self._sum += value

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """Return the cumulative buckets and the sum, as prometheus_client wants them."""
        edges = [floatToGoString(edge) for edge in (*self._edges, float("inf"))]  # type: ignore[no-untyped-call]
        return list(zip(edges, map(float, accumulate(self._counts)), strict=True)), self._sum


def scores_text(name: str, text: str, of: Mapping[str, str], predictions: "Predictions") -> str:
    """By hand: there may be hundreds of lines, and prometheus_client takes 15 µs of the event loop for each."""
    (*edges, (_, total)), numbers = predictions.scores()
    labels = ",".join(f'{label}="{escaped(value)}"' for label, value in of.items())
    lines = [f'{name}_bucket{{le="{_written(edge)}",{labels}}} {count}\n' for edge, count in edges]
    lines += [f'{name}_bucket{{le="+Inf",{labels}}} {total}\n', f"{name}_count{{{labels}}} {total}\n"]
    return "".join(
        (f"# HELP {name} {text}\n# TYPE {name} histogram\n", *lines, f"{name}_sum{{{labels}}} {_written(numbers)}\n")
    )


@lru_cache(maxsize=4096)
def _written(edge: float) -> str:
    return str(floatToGoString(edge))  # type: ignore[no-untyped-call]
