"""What no judge can beat, and how sure a simulated rate is."""

from math import log

from scipy.stats import beta as beta_distribution

from podium.core.analysis.sequential.projection import nearest_champion


def divergence(share: float, other: float) -> float:
    """KL of one answer, in nats."""
    return share * log(share / other) + (1 - share) * log((1 - share) / (1 - other))


def against_limit(share: float, limit: float, level: float) -> float:
    """Answers that a sequential test of this level needs on average, to first order: Wald's log(1/level) / KL."""
    return log(1 / level) / divergence(share, limit)


def against_champion(challenger: float, champion: float, margin: float, weight: float, level: float) -> float:
    """The same in answers of the challenger, which gets the part `weight` of the traffic."""
    t = nearest_champion((challenger, champion), (weight, 1 - weight), margin)
    beside = (1 - weight) / weight * divergence(champion, t)
    return log(1 / level) / (divergence(challenger, t + margin) + beside)


def upper(wrong: int, trials: int, confidence: float = 0.99) -> float:
    """Upper end of the Clopper-Pearson interval for a rate."""
    return float(beta_distribution.ppf((1 + confidence) / 2, wrong + 1, trials - wrong)) if wrong < trials else 1.0
