"""What one simulated pod counts of its answers, and what its metrics page would say of them."""

import itertools
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

from podium.core.facts import Counters, Histogram

LATENCIES: Final = (0.05, 0.12, 1.0)  # edges of the pods' histograms, in seconds
SCORES: Final = tuple(tenth / 10 for tenth in range(1, 21))


@dataclass
class Answered:
    """What one pod counts of what it has answered."""

    answers: int = 0
    bad: int = 0
    invalid: int = 0
    consecutive_bad: int = 0
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCIES) + 1))
    scores: list[int] = field(default_factory=lambda: [0] * (len(SCORES) + 1))

    def add(
        self, *, bad: bool, invalid: bool = False, seconds: float | None = None, score: float | None = None
    ) -> None:
        """Count one answer, and of its figures those that are given."""
        self.answers, self.bad, self.invalid = self.answers + 1, self.bad + bad, self.invalid + invalid
        self.consecutive_bad = self.consecutive_bad + 1 if bad else 0
        if seconds is not None:
            self.latencies[bisect_left(LATENCIES, seconds)] += 1
        if score is not None and not bad:
            self.scores[bisect_left(SCORES, score)] += 1

    def counters(self) -> Counters:
        """What the pod's metrics page would say."""
        return Counters(
            self.answers,
            self.bad,
            self.invalid,
            self.consecutive_bad,
            latency=_histogram(LATENCIES, self.latencies),
            scores=_histogram(SCORES, self.scores),
        )


def _histogram(edges: tuple[float, ...], counts: list[int]) -> Histogram:
    total = sum(counts)
    return Histogram(edges, tuple(itertools.accumulate(counts))[: len(edges)], total) if total else Histogram()
