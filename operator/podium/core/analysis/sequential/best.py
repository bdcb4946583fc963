"""Which of several arms is the best: the one of which the most is proved.

Of each arm, answers of a kind are counted of which more are better, as orders of visits. The largest share that an arm
is *proved* to exceed (`counts`, at every look together: a confidence sequence by Ville's inequality) says more than the
share that was counted: an arm with 3 of 10 is no better than one with 2,900 of 10,000.
"""

from collections.abc import Sequence

from podium.core.analysis.sequential.counts import proves_above
from podium.core.analysis.sequential.judgement import check_counts

_ROUNDS = 40  # of a bisection: the bound is known to 1e-12


def lower_bound(wanted: int, other: int, level: float) -> float:
    """The share of wanted answers that these counts prove to be exceeded, wrongly with a chance of at most `level`.

    0 where they prove nothing. Raises ValueError where a count is negative.
    """
    check_counts(wanted=wanted, other=other)
    if not wanted:
        return 0.0
    low, high = 0.0, wanted / (wanted + other)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        low, high = (middle, high) if proves_above(wanted, other, middle, level) else (low, middle)
    return low


def best_arm(counted: Sequence[tuple[int, int]], level: float) -> int:
    """The place of the arm with the largest lower bound, by wanted and other answers; of equal ones, the first.

    `level` is for all arms together. Raises ValueError where there is no arm.
    """
    bounds = [lower_bound(wanted, other, level / len(counted)) for wanted, other in counted]
    return bounds.index(max(bounds))
