"""How pairs of answers to the same request came out. The names and labels are a contract with the operator."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from prometheus_client.core import CounterMetricFamily, Metric

from podium.runtime.identity import Headers
from podium.runtime.prediction.agreement import agree
from podium.runtime.shadow import Order

_TEXTS = {
    "compared": "Pairs good on both sides whose predictions could be compared.",
    "disagreements": "Compared pairs whose predictions differ by more than the tolerance.",
    "slower": "Pairs good on both sides in which the challenger's model took longer.",
    "faster": "Pairs good on both sides in which the challenger's model took less time.",
    "dropped": "Copies that were not sent, or not tried by the challenger: they are in no pair.",
}
_OUTCOMES = {
    (True, True): "both_good",
    (False, False): "both_bad",
    (True, False): "only_challenger_bad",
    (False, True): "only_champion_bad",
}


Again = Callable[[float], Awaitable[tuple[bytes, bytes | None]]]


@dataclass(frozen=True, slots=True)
class Half:
    """What the champion made of a request, and what of it is sent."""

    order: Order
    path: str
    headers: Headers
    body: bytes
    good: bool
    sample: bytes | None
    model_seconds: float | None
    seconds: float
    again: Again  # asks the champion once more, within so many seconds: how that ended, and what was predicted

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self.body) + len(self.sample or b"")


class Pairs:
    """The counts of the pairs with one challenger, whose version and digest are given."""

    def __init__(self, challenger: tuple[str, str]) -> None:
        self.challenger = challenger
        self._outcomes = dict.fromkeys(_OUTCOMES.values(), 0)
        self._counts = dict.fromkeys(_TEXTS, 0)

    def count(self, *, champion: bool, challenger: bool) -> None:
        """Count a pair by which side was good."""
        self._outcomes[_OUTCOMES[champion, challenger]] += 1

    def compare(self, half: Half, body: bytes) -> None:
        """Compare two good answers, as far as both sides say what is to be compared. `body` is the challenger's."""
        seconds, predictions = _told(body)
        if (same := _agree(half, predictions)) is not None:
            self._counts["compared"] += 1
            self._counts["disagreements"] += not same
        if half.model_seconds is not None and isinstance(seconds, float):
            self._counts["slower"] += seconds > half.model_seconds
            self._counts["faster"] += seconds < half.model_seconds

    def count_dropped(self) -> None:
        """Count a copy that is in no pair."""
        self._counts["dropped"] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families."""
        pairs = CounterMetricFamily(
            "podium_shadow_pairs",
            "Users' requests that this version and the challenger answered, by which of them was good.",
            labels=("version", "digest", "outcome"),
        )
        for outcome, count in self._outcomes.items():
            pairs.add_metric((*self.challenger, outcome), count)
        yield pairs
        for name, text in _TEXTS.items():
            counter = CounterMetricFamily(f"podium_shadow_{name}", text, labels=("version", "digest"))
            counter.add_metric(self.challenger, self._counts[name])
            yield counter


def disagree(half: Half, body: bytes) -> bool:
    """Return whether two good answers can be compared, and differ."""
    return _agree(half, _told(body)[1]) is False


def _told(body: bytes) -> tuple[Any, Any]:
    """How long the challenger's model took, and what it predicted; None for what it does not say."""
    try:
        told: Any = orjson.loads(body)
        return told["seconds"], told["predictions"]
    except (ValueError, TypeError, KeyError):
        return None, None


def _agree(half: Half, predictions: Any) -> bool | None:
    if half.sample is None or predictions is None:
        return None
    return agree(orjson.loads(half.sample), predictions, half.order.tolerance)
