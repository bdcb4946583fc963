"""The e-variable of one block of two samples, by the point of the null that is nearest to the alternative.

The null is that the challenger's share of bad answers lies on one side of the champion's plus a margin, wherever the
champion's is: a convex set of pairs. Bet on the pair (a1, a0) beyond it, on n1 and n0 answers, and let (t + margin, t)
be the pair of the null that minimises n1 KL(a1 || t + margin) + n0 KL(a0 || t). Then

    S = p(block; a1, a0) / p(block; t + margin, t)

has expectation at most 1 under every pair of the null: Turner, Ly, Grünwald, *Generic E-variables for exact sequential
k-sample tests that allow for optional stopping* (2024), for margins Turner, Grünwald, *Exact anytime-valid confidence
intervals for contingency tables and beyond* (2023). Each answer's factor is linear in its own chance of being bad, so
the shares may even move within a block, as long as their means are a pair of the null (inequality of the means).

The minimum has to be a minimum. The expectation is 1 + n (slope of the divergence at t) and more, so a t that is off by
0.01 % (a grid) condemns good challengers once n0 is large. Newton's method in a bracket finds it to the last digits.
"""

from math import log1p

_ROUNDS = 80  # bisection alone would need 60; Newton's steps take 3 to 6
_NEAR = 1e-9  # each step squares the error, so after one as small as this there is none left


def log_e_variable(a: tuple[float, float], bad: tuple[int, int], good: tuple[int, int], margin: float) -> float:
    """Log S of a block; pairs are (challenger, champion). `a` is the alternative, on either side of the null's edge."""
    answers = (bad[0] + good[0], bad[1] + good[1])
    if a[0] == a[1] + margin:
        return 0.0  # on the edge itself: nothing is bet
    champion = nearest_champion(a, answers, margin)
    challenger = champion + margin
    return _log_ratio(a[0], challenger, bad[0], good[0]) + _log_ratio(a[1], champion, bad[1], good[1])


def nearest_champion(a: tuple[float, float], answers: tuple[float, float], margin: float) -> float:
    """The champion's share t at the point of the edge (t + margin, t) that is nearest to the alternative `a`."""
    n1, n0 = answers
    one, other = a[1], a[0] - margin  # the minimum lies between what the champion and what the challenger suggest
    low, high = max(min(one, other), 0.0), min(max(one, other), 1.0 - margin)
    if n1 == 0 or n0 == 0:
        return min(max(one if n1 == 0 else other, low), high)
    t = (n1 * other + n0 * one) / (n1 + n0)
    for _ in range(_ROUNDS):
        if not low < t < high:
            t = (low + high) / 2
        v1, v0 = (t + margin) * (1 - t - margin), t * (1 - t)
        d1, d0 = (t - other) / v1, (t - one) / v0
        slope = n1 * d1 + n0 * d0  # of the divergence by t; below, its second derivative
        step = slope / (n1 * (1 - (1 - 2 * (t + margin)) * d1) / v1 + n0 * (1 - (1 - 2 * t) * d0) / v0)
        low, high = (t, high) if slope < 0 else (low, t)
        t -= step
        if abs(step) <= _NEAR * t:
            break
    return t


def _log_ratio(share: float, null: float, bad: int, good: int) -> float:
    """Log p(counts; share) / p(counts; null), exact also where the two are nearly the same."""
    difference = share - null
    of_bad = bad * log1p(difference / null) if bad else 0.0
    return of_bad + (good * log1p(-difference / (1 - null)) if good else 0.0)
