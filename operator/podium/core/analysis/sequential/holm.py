"""Several arms beside one champion, and one α for all of them: Holm's procedure on running suprema.

The wealth of an arm's test reaches 1/a with a chance of at most a, whenever it does (Ville). So the largest wealth so
far, M, is the inverse of a p-value that holds at every look and after the last one, and it never falls: what it
once proved, it goes on proving. Holm (*A simple sequentially rejective multiple test procedure*, 1979) takes such
p-values however they depend on each other, as they do where all arms are compared with the same champion: with m arms,
the i-th worst has failed if M ≥ (m - i + 1)/α, and so has every one before it. Then any good arm at all fails with a
chance of at most α; and arms that are bad make way for the proof against others.

Averages of e-values would ask for less, and bound nothing here: a verdict that is remembered goes by the supremum, and
the mean of suprema is no e-value (arXiv 2501.19360).

An arm has several criteria, each with a part of the arm's α. It is bad if any of them is violated: what speaks
against it is the strongest of them, by its part (Bonferroni).
"""

from collections.abc import Iterable, Sequence
from math import inf, log


def log_evidence_against(peaks: Iterable[tuple[float, float]]) -> float:
    """What speaks against an arm, in nats: of each criterion its largest log wealth so far, and its part of the α.

    The parts are in (0, 1] and sum to one at the most. Without a criterion nothing speaks against it (-inf).
    """
    return max((peak + log(part) for peak, part in peaks), default=-inf)


def arm_alpha(alpha: float, arms: int, failed: int) -> float:
    """At which level each arm is tested that has not failed, where so many of all `arms` have.

    A test that goes by it at every look remembers its own suprema, and fails no arm that `failed_arms` would not.
    Before the first good arm fails, only bad ones have failed: so its level is at most that of Holm's procedure.
    """
    return alpha / max(1, arms - failed)


def failed_arms(evidence: Sequence[float], alpha: float) -> tuple[bool, ...]:
    """Which of the arms have failed; `evidence` is that of every arm that has begun, those that left among them.

    The chance that any good one is among them, ever, is at most `alpha`.
    """
    failed = [False] * len(evidence)
    for before, arm in enumerate(sorted(range(len(evidence)), key=lambda each: -evidence[each])):
        if evidence[arm] < log((len(evidence) - before) / alpha):
            break
        failed[arm] = True
    return tuple(failed)
