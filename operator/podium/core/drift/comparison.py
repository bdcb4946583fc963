"""One look at all that was counted: how far each feature is from its profile, and whether chance explains that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, log
from typing import Final

from podium.core.drift.detector import FeatureDetector
from podium.core.drift.reference import stability_index
from podium.core.drift.reports import ReferenceCounts, references

ALPHA: Final = 0.01  # the chance that any feature of a model is called drifted wrongly, in one look


@dataclass(frozen=True)
class FeatureDrift:
    """A feature beside its profile."""

    name: str
    rows: int
    stability_index: float  # both divergences of the shares, of which none is taken to be zero
    reference: tuple[float, ...]  # shares by bin
    shares: tuple[float, ...]  # the same of what was asked; zeros where nothing was
    bins: tuple[str, ...]
    drifted: bool

    @property
    def largest_change(self) -> int:
        """The bin whose share has changed most."""
        changes = [abs(now - was) for was, now in zip(self.reference, self.shares, strict=True)]
        return changes.index(max(changes))


def compare(profile: Mapping[str, ReferenceCounts], counts: Mapping[str, Sequence[int]]) -> list[FeatureDrift]:
    """Each feature beside its profile, the most drifted first.

    All that was counted is one block. Its e-value has a mean of at most 1 where nothing has drifted, so that 1 / alpha
    is exceeded with a chance of at most alpha (Markov); of several features each gets its part.
    """
    enough = log(len(profile) / ALPHA) if profile else inf
    found = []
    for reference in references(profile):
        seen = counts.get(reference.name) or [0] * len(reference.counts)
        evidence = FeatureDetector(reference).see(seen, inf).log_wealth
        one = FeatureDrift(
            name=reference.name,
            rows=sum(seen),
            stability_index=stability_index(_smoothed(reference.counts), _smoothed(seen)) if sum(seen) else 0.0,
            reference=_shares(reference.counts),
            shares=_shares(seen),
            bins=_bins(profile[reference.name]),
            drifted=evidence >= enough,
        )
        found.append((evidence, one))
    return [one for _, one in sorted(found, key=lambda each: (-each[0], each[1].name))]


def _shares(counts: Sequence[int]) -> tuple[float, ...]:
    rows = sum(counts)
    return tuple(count / rows if rows else 0.0 for count in counts)


def _smoothed(counts: Sequence[int]) -> tuple[float, ...]:
    """As if half a row more were in each bin: no share is zero."""
    whole = sum(counts) + len(counts) / 2
    return tuple((count + 0.5) / whole for count in counts)


def _bins(of: ReferenceCounts) -> tuple[str, ...]:
    """What a pod does not tell are edges and categories: they are in the profile alone."""
    if of.ordered:
        parts = len(of.counts) - 1
        return (*(f"part {part} of {parts}" for part in range(1, parts + 1)), "missing")
    return (*(f"category {number}" for number in range(1, len(of.counts) - 1)), "other", "missing")
