"""What the pods of a version say of drift: the profile that they have in common, and what they counted, together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podium.core.drift.profile import MOST_BINS, MOST_FEATURES
from podium.core.drift.reference import ALPHA, TOLERANCE, Reference

Counts = Mapping[str, tuple[int, ...]]  # by feature: rows in each bin


@dataclass(frozen=True)
class ReferenceCounts:
    """One feature of the profile, as a pod tells it: its bins are known by their places."""

    counts: tuple[int, ...]
    ordered: bool  # whether all bins but the last one are in order

    @property
    def sound(self) -> bool:
        """Whether it can be a reference at all."""
        return 2 <= len(self.counts) <= MOST_BINS  # noqa: PLR2004


@dataclass(frozen=True)
class DriftReport:
    """What one pod says of drift. Without a profile it counts nothing."""

    reference: Mapping[str, ReferenceCounts]
    counts: Counts

    @property
    def has_profile(self) -> bool:
        """Whether there is anything to compare with."""
        return bool(self.reference)


def agreed(reports: Iterable[DriftReport]) -> Mapping[str, ReferenceCounts] | None:
    """The profile that all pods of a version have; None where they have none, or do not agree."""
    found = [report.reference for report in reports]
    first = found[0] if found else {}
    sound = 0 < len(first) <= MOST_FEATURES and all(each.sound for each in first.values())
    return first if sound and all(other == first for other in found) else None


def references(profile: Mapping[str, ReferenceCounts], tolerance: float = TOLERANCE) -> tuple[Reference, ...]:
    """What blocks are compared with."""
    return tuple(
        Reference(
            name,
            each.counts,
            len(each.counts) - 1 if each.ordered else 0,
            tolerance,
            ALPHA / len(profile),
        )
        for name, each in profile.items()
    )


def together(counts: Iterable[Counts]) -> dict[str, list[int]]:
    """The counts of several pods as one: exact, in any order. Other bins than those of the first one are left out."""
    total: dict[str, list[int]] = {}
    for each in counts:
        for feature, bins in each.items():
            known = total.setdefault(feature, [0] * len(bins))
            if len(known) == len(bins):
                total[feature] = [one + more for one, more in zip(known, bins, strict=True)]
    return total
