"""Watches blocks of counts (an hour each) against a training profile, for years.

The e-detector of Shin, Ramdas, Rinaldo, *E-detectors: a nonparametric framework for sequential change detection* (2022,
arXiv 2203.03532). For each alternative with the e-value L_t of block t,

    M_t = (M_{t-1} + 1) L_t,   averaged over alternatives (by their parts) and features; it alarms at M >= A

As long as each row is drawn from shares that the reference tolerates, whichever these are and however they change from
block to block, M_t - t is a supermartingale: **the mean time to a false alarm is at least A blocks**, whatever the
features have to do with each other. That a reference was itself drawn so badly that the truth is not tolerated has a
chance of at most `alpha` for each feature, once.

Rows of one block are no independent draws: one client asks the same thing a hundred times. So a block counts for at
most ROWS rows: its e-value is raised to the power ROWS / rows. For clusters of up to rows / ROWS rows with any
dependence within, this is at most the product of the means of each cluster's e-values, and so an e-value still.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log, log1p
from typing import Final, Self

from podium.core.drift.reference import Reference

ROWS: Final = 1000  # at 0.2 standard deviations, an hour of so many rows is enough for an alarm

_MOST: Final = 700.0  # exp of it is a number
BEYOND: Final = 1.0  # nats above an alarm that wealth may reach


@dataclass(frozen=True)
class FeatureDetector:
    """The bets against one feature. `wealth` is the logarithm of M for each bet: plain numbers."""

    reference: Reference
    wealth: tuple[float, ...] = ()

    def see(self, counts: Sequence[int], most: float) -> Self:
        """The bets after a block. None gets more than `most` nats, so that a drift which is over is seen to be over.

        A block without rows changes nothing. Raises ValueError where the counts are not those of the reference's bins.
        """
        if len(counts) != len(self.reference.counts) or min(counts) < 0:
            expected = f"expected {len(self.reference.counts)} counts, none negative, found {len(counts)}"
            raise ValueError(f"a block of {self.reference.name[:60]!r}: {expected}")
        rows = sum(counts)
        if not rows:
            return self
        power = min(1.0, ROWS / rows)
        bets = self.reference.bets
        before = self.wealth or (-inf,) * len(bets)
        changed = (
            min(_log_plus_one(held) + power * _dot(counts, bet.by_bin), most - log(bet.part))
            for held, bet in zip(before, bets, strict=True)
        )
        return replace(self, wealth=tuple(changed))

    @property
    def log_wealth(self) -> float:
        """All bets together, in nats."""
        parts = [held + log(bet.part) for held, bet in zip(self.wealth, self.reference.bets, strict=False)]
        return _log_sum(parts)


@dataclass(frozen=True)
class DriftDetector:
    """All features of a profile. `interval` is the mean number of blocks to a false alarm."""

    features: tuple[FeatureDetector, ...]
    interval: float

    def see(self, blocks: Mapping[str, Sequence[int]]) -> Self:
        """The detector after a block: counts by the feature's name. What is not named is as if it had no rows."""
        most = log(self.interval * len(self.features)) + BEYOND if self.features else 0.0
        return replace(
            self,
            features=tuple(
                feature.see(counts, most) if (counts := blocks.get(feature.reference.name)) is not None else feature
                for feature in self.features
            ),
        )

    @property
    def log_wealth(self) -> float:
        """The mean over the features, in nats."""
        total = _log_sum([feature.log_wealth for feature in self.features])
        return total - log(len(self.features)) if self.features else -inf

    @property
    def alarms(self) -> bool:
        """Whether drift is found. After this the question is when it ends: see `ended`."""
        return self.log_wealth >= log(self.interval)

    @property
    def ended(self) -> bool:
        """Whether an alarm is over: half of the way to it is lost again. Then a new detector begins."""
        return self.log_wealth <= log(self.interval) / 2

    @property
    def suspects(self) -> tuple[str, ...]:
        """The features that have drifted, most certain first: each alone is half of the way to the alarm or more."""
        half = log(self.interval * max(len(self.features), 1)) / 2
        found = [feature for feature in self.features if feature.log_wealth >= half]
        return tuple(f.reference.name for f in sorted(found, key=lambda feature: -feature.log_wealth))


def detector(references: Iterator[Reference], interval: float) -> DriftDetector:
    """A detector that has seen nothing yet."""
    return DriftDetector(tuple(FeatureDetector(reference) for reference in references), interval)


def _dot(counts: Sequence[int], gains: Sequence[float]) -> float:
    return sum(count * gain for count, gain in zip(counts, gains, strict=True) if count)


def _log_plus_one(held: float) -> float:
    return held if held > _MOST else log1p(exp(held))


def _log_sum(parts: Sequence[float]) -> float:
    most = max(parts, default=-inf)
    return most + log(sum(exp(part - most) for part in parts)) if most > -inf else -inf
