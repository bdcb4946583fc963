"""The regularised incomplete Beta function in logarithms, exact in both tails, without any library.

By the continued fraction of DLMF 8.17.22 (Lentz's evaluation), used where it converges quickly: below the mean.
"""

from math import exp, inf, lgamma, log, log1p

_TINY = 1e-300
_PRECISION = 1e-14


def log_beta(a: float, b: float) -> float:
    """Log of the Beta function."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def log_cdf(x: float, a: float, b: float) -> float:
    """Log of I_x(a, b), the chance that a Beta(a, b) variable is at most x."""
    if x < (a + 1) / (a + b + 2):
        return _log_series(x, a, b)
    return log1p(-min(exp(_log_series(1 - x, b, a)), 1 - 1e-16))


def log_sf(x: float, a: float, b: float) -> float:
    """Log of 1 - I_x(a, b)."""
    return log_cdf(1 - x, b, a)


def _log_series(x: float, a: float, b: float) -> float:
    front = a * log(x) + b * log1p(-x) - log(a) - log_beta(a, b) if x > 0 else -inf
    return front + log(_continued_fraction(x, a, b))


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Converges in O(sqrt(max(a, b))) rounds for x below the mean."""
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
