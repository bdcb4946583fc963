"""One feature of a training profile: its rows by bin, and the bets against "as in training"."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Final

from podium.core.drift.directions import Shares, directions, reach
from podium.core.drift.sample import divergence, nearest, radius

TOLERANCE: Final = 0.005  # as a population stability index: a shift by 0.07 standard deviations
ALPHA: Final = 0.01  # the chance that a sample is farther from what it was drawn from than its radius


@dataclass(frozen=True)
class Bet:
    """What one row adds to the wealth, in nats, by the bin that it falls into; and its part of the capital."""

    by_bin: tuple[float, ...]
    part: float


@dataclass(frozen=True)
class Reference:
    """How many rows of the training data fell into each bin; the first `ordered` bins are in order.

    Raises ValueError where there are fewer than two bins, or a count is negative.
    """

    name: str
    counts: tuple[int, ...]
    ordered: int
    tolerance: float = TOLERANCE
    alpha: float = ALPHA

    def __post_init__(self) -> None:
        if len(self.counts) < 2 or min(self.counts) < 0 or not 0 <= self.ordered <= len(self.counts):  # noqa: PLR2004
            raise ValueError(
                f"reference of {self.name[:60]!r}: expected two or more counts, none negative, found {len(self.counts)}"
            )

    @property
    def rows(self) -> int:
        """The rows of the sample."""
        return sum(self.counts)

    @cached_property
    def shares(self) -> Shares:
        """The part of the rows in each bin; without any row, all are alike."""
        return tuple(count / self.rows for count in self.counts) if self.rows else self._smoothed

    @cached_property
    def size(self) -> float:
        """Up to which KL(shares, p) the shares p are no drift: what is tolerated, or what chance does. Nats a row."""
        return max(self.tolerance / 2, radius(self.rows, len(self.counts), self.alpha))

    @cached_property
    def bets(self) -> tuple[Bet, ...]:
        """The bets on all alternatives outside of the ball. None where so few rows say nothing."""
        found = list(self._alternatives())
        likely = sum(is_likely for _, is_likely in found)
        others = len(found) - likely
        return tuple(
            Bet(
                self._gains(alternative),
                (0.5 if likely and others else 1.0) / (likely if is_likely else others),
            )
            for alternative, is_likely in found
        )

    @property
    def _smoothed(self) -> Shares:
        """No share is zero: what training did not have may come."""
        whole = self.rows + len(self.counts) / 2
        return tuple((count + 0.5) / whole for count in self.counts)

    def _tolerates(self, shares: Sequence[float]) -> bool:
        return divergence(self.shares, shares) <= self.size

    def _alternatives(self) -> Iterator[tuple[Shares, bool]]:
        for direction in directions(self._smoothed, self.ordered):
            tolerated = reach(direction, self._tolerates)
            for step in direction.steps:
                moved = direction.moved(tolerated + step)
                if not self._tolerates(moved):
                    yield moved, direction.likely

    def _gains(self, alternative: Shares) -> tuple[float, ...]:
        point = nearest(self.shares, self.size, alternative)
        assert point is not None
        return tuple(log(q / p) for q, p in zip(alternative, point, strict=True))


def stability_index(shares: Sequence[float], other: Sequence[float]) -> float:
    """The population stability index of two lists of positive shares: both Kullback-Leibler divergences together."""
    return divergence(shares, other) + divergence(other, shares)
