"""Counts of good and bad answers, and what they prove. Anytime-valid: it may look after every answer.

The null "the share of bad answers is at most `limit`" is tested by the mixture of likelihood ratios over all shares
above the limit, weighted by a Beta(1, 10) prior cut off there. Under the null it is a non-negative supermartingale that
begins at 1, so by Ville's inequality it ever exceeds 1/α with probability at most α, however often one looks
(Ramdas, Grünwald, Vovk, Shafer, *Game-theoretic statistics and safe anytime-valid inference*, 2023). With s bad and
f good answers, B the Beta function and sf its survival function:

    log E = log B(a+s, b+f) + log sf(limit; a+s, b+f) - log B(a, b) - log sf(limit; a, b) - s log limit - f log(1-limit)

`proves_below` is the mirror image, with the prior cut off above the limit.
"""

from collections.abc import Callable
from functools import lru_cache
from math import exp, inf, lgamma, log, log1p

PRIOR_BAD, PRIOR_GOOD = 1.0, 10.0  # most shares of bad answers are small; the choice costs a few answers at the most
_TINY = 1e-300
_PRECISION = 1e-14


def proves_above(bad: int, good: int, limit: float, alpha: float) -> bool:
    """True once the counts prove, at level `alpha`, that the share of bad answers is above `limit` (both in (0, 1))."""
    return bad > 0 and _log_evidence(bad, good, limit, _log_sf) >= -log(alpha)


def proves_below(bad: int, good: int, limit: float, beta: float) -> bool:
    """True once the counts prove, at level `beta`, that the share of bad answers is below `limit` (both in (0, 1))."""
    return good > 0 and _log_evidence(bad, good, limit, _log_cdf) >= -log(beta)


@lru_cache(maxsize=256)
def answers_to_expose(limit: float, times: float, alpha: float, power: float = 0.95) -> int:
    """Answers after which a version with `times` the limit's share of bad ones would have been found out.

    The smallest n, to within the steps of a bisection, at which the probability of proof is at least `power`.
    """
    share = min(limit * times, (1 + limit) / 2)

    def exposed(answers: int) -> bool:
        needed = _smallest(lambda bad: proves_above(bad, answers - bad, limit, alpha), answers)
        return needed <= answers and _binomial_sf(needed, answers, share) >= power

    return _smallest(exposed, 1 << 24)


@lru_cache(maxsize=1024)
def answers_to_hold(bad: int, limit: float, beta: float) -> int:
    """Answers in all at which `bad` bad ones would prove that the share is below the limit."""
    return _smallest(lambda answers: answers >= bad and proves_below(bad, answers - bad, limit, beta), 1 << 30)


def _log_evidence(bad: int, good: int, limit: float, log_tail: Callable[[float, float, float], float]) -> float:
    a, b = PRIOR_BAD, PRIOR_GOOD
    posterior = _log_beta(a + bad, b + good) + log_tail(limit, a + bad, b + good)
    prior = _log_beta(a, b) + log_tail(limit, a, b)
    return posterior - prior - bad * log(limit) - good * log1p(-limit)


def _smallest(holds: Callable[[int], bool], most: int) -> int:
    """The smallest n in 1..most for which a monotone condition holds, or most + 1."""
    high = 1
    while high <= most and not holds(high):
        high *= 2
    low, high = high // 2, min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _binomial_sf(successes: int, trials: int, share: float) -> float:
    """P(X >= successes) for X ~ Binomial(trials, share), by its identity with the Beta distribution."""
    return exp(_log_cdf(share, successes, trials - successes + 1)) if successes > 0 else 1.0


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _log_cdf(x: float, a: float, b: float) -> float:
    """Log of I_x(a, b), the regularised incomplete Beta function, exact in both tails."""
    if x < (a + 1) / (a + b + 2):
        return _log_series(x, a, b)
    return log1p(-min(exp(_log_series(1 - x, b, a)), 1 - 1e-16))


def _log_sf(x: float, a: float, b: float) -> float:
    return _log_cdf(1 - x, b, a)


def _log_series(x: float, a: float, b: float) -> float:
    front = a * log(x) + b * log1p(-x) - log(a) - _log_beta(a, b) if x > 0 else -inf
    return front + log(_continued_fraction(x, a, b))


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Lentz's evaluation of the fraction in DLMF 8.17.22; converges in O(sqrt(max(a, b))) rounds for x < mean."""
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            result *= c * d
        if abs(c * d - 1) < _PRECISION:
            return result
    raise ArithmeticError(f"the incomplete Beta function did not converge at x={x}, a={a}, b={b}")


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
