"""Whose fault a failed guard is: the version's own, or that of something both versions depend on.

The traffic goes back at once in any case. What the champion answered since the suspicion began, and goes on answering,
decides: where it fails the same limit, no version is to blame. Where it is proved to do better than the version did,
the version is. Both are proofs that may be looked at after every answer.
"""

from typing import Literal

from podium.api.v1alpha1.evidence import Counts
from podium.core.analysis.sequential import proves_above, proves_below

Blame = Literal["Own", "Shared", "Unknown"]
_STEPS = 10  # bisections of the share that the version is proved to be above: to a thousandth


def blame(challenger: Counts, champion: Counts, limit: float, *, alpha: float, beta: float) -> Blame:
    """Whose fault it is by these counts, which are of the same circumstances."""
    if fails(champion, limit, beta):
        return "Shared"
    least = max(limit, proved_share(challenger, beta))
    good = champion.answers - champion.bad
    return "Own" if proves_below(champion.bad, good, least, alpha) else "Unknown"


def fails(champion: Counts, limit: float, beta: float) -> bool:
    """Whether the champion's answers prove that it is above the limit itself."""
    return proves_above(champion.bad, champion.answers - champion.bad, limit, beta)


def proved_share(counts: Counts, level: float) -> float:
    """The highest share of bad answers above which these counts prove to be; 0 where they prove nothing."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        share = (low + high) / 2
        above = proves_above(counts.bad, counts.answers - counts.bad, share, level)
        low, high = (share, high) if above else (low, share)
    return low
