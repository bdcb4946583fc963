"""What two totals, of bad and of good answers, prove about a limit: a closed form.

The null "the share of bad answers is at most `limit`" is tested by the mixture of likelihood ratios over all shares
above the limit, weighted by a Beta(1, 10) prior cut off there. Under the null each ratio is a non-negative
supermartingale that begins at 1, and so is their mixture. With s bad and f good answers, B the Beta function and sf its
survival function:

    log E = log B(a+s, b+f) + log sf(limit; a+s, b+f) - log B(a, b) - log sf(limit; a, b) - s log limit - f log(1-limit)

`proves_below` is the mirror image, with the prior cut off above the limit. Mixtures of this kind go back to Robbins,
*Statistical methods related to the law of the iterated logarithm* (1970); see Howard, Ramdas, McAuliffe, Sekhon,
*Time-uniform, nonparametric, nonasymptotic confidence sequences* (2021), for their width.
"""

from collections.abc import Callable
from functools import lru_cache
from math import exp, inf, log, log1p

from podium.core.analysis.sequential.beta import log_beta, log_cdf, log_sf

PRIOR_BAD, PRIOR_GOOD = 1.0, 10.0  # most shares of bad answers are small; the choice costs a few answers at the most


def proves_above(bad: int, good: int, limit: float, alpha: float) -> bool:
    """True once the counts prove, at level `alpha`, that the share of bad answers is above `limit` (both in (0, 1))."""
    return log_evidence_above(bad, good, limit, least=-log(alpha)) >= -log(alpha)


@lru_cache(maxsize=4096)
def proves_below(bad: int, good: int, limit: float, beta: float) -> bool:
    """True once the counts prove, at level `beta`, that the share of bad answers is below `limit` (both in (0, 1))."""
    return log_evidence_below(bad, good, limit, least=-log(beta)) >= -log(beta)


def log_evidence_above(bad: int, good: int, limit: float, least: float = 0.0) -> float:
    """Log E against "at most `limit`"; -inf where it cannot reach `least`, because not even the best ratio does.

    That spares the incomplete Beta function near the limit, where it needs thousands of rounds after 10^7 answers.
    """
    if bad <= limit * (bad + good) or _best_ratio(bad, good, limit) < least:
        return -inf
    return _log_evidence(bad, good, limit, log_sf)


def log_evidence_below(bad: int, good: int, limit: float, least: float = 0.0) -> float:
    """Log E against "at least `limit`"; -inf where it cannot reach `least`."""
    if bad >= limit * (bad + good) or _best_ratio(bad, good, limit) < least:
        return -inf
    return _log_evidence(bad, good, limit, log_cdf)


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
    prior, posterior = _log_mass(0, 0, limit, log_tail), _log_mass(bad, good, limit, log_tail)
    return posterior - prior - bad * log(limit) - good * log1p(-limit)


@lru_cache(maxsize=4096)  # the prior's is the same for all counts
def _log_mass(bad: int, good: int, limit: float, log_tail: Callable[[float, float, float], float]) -> float:
    """Log of the prior's mass beyond the limit, weighted by the likelihood of the counts."""
    a, b = PRIOR_BAD + bad, PRIOR_GOOD + good
    return log_beta(a, b) + log_tail(limit, a, b)


def _best_ratio(bad: int, good: int, limit: float) -> float:
    """Log of the largest likelihood ratio against the limit, n KL(share || limit): no mixture of ratios exceeds it."""
    answers = bad + good
    of_bad = bad * log(bad / (answers * limit)) if bad else 0.0
    return of_bad + (good * log(good / (answers * (1 - limit))) if good else 0.0)


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
    return exp(log_cdf(share, successes, trials - successes + 1)) if successes > 0 else 1.0
