"""How many answers a judge is likely to need: for messages, and for a step to know that it has seen enough.

Against a limit the numbers are exact, from the closed form. Beside a champion they are estimates: an e-process grows by
its mean drift per answer, and 95 % of them are above the mean less 1.645 standard deviations (central limit theorem).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf, log, log1p, sqrt

from podium.core.analysis.sequential.against_champion import GOOD, AgainstChampion
from podium.core.analysis.sequential.against_limit import STEADY, AgainstLimit
from podium.core.analysis.sequential.against_pairs import AgainstPairs
from podium.core.analysis.sequential.counts import answers_to_expose, answers_to_hold
from podium.core.analysis.sequential.projection import nearest_champion

Z95 = 1.645
LEARNING = 1.3  # the bets are not the best ones: measured in bench/judgement
MOST = 1 << 24
TINY = 1e-9
RATIOS = (0.05, 20.0)  # champion's answers to a challenger's: beyond them nothing changes any more


@dataclass(frozen=True)
class Outlook:
    """Answers of the challenger in all."""

    exposed: int  # after which a version `times` worse than the limit would have been found out, with 95 %
    enough: int  # after which it holds, if no more bad ones come than should


def against_limit(judge: AgainstLimit, times: float) -> Outlook:
    """The outlook of a judge of one share."""
    return Outlook(
        exposed=answers_to_expose(judge.limit, times, judge.alpha * STEADY),
        enough=answers_to_hold(judge.state.bad, judge.limit, judge.beta),
    )


def against_pairs(judge: AgainstPairs, times: float) -> Outlook:
    """The outlook of a judge of pairs, in pairs."""
    return Outlook(exposed=judge.pairs_to_expose(times, Z95), enough=judge.pairs_to_hold())


def against_champion(judge: AgainstChampion, times: float, challenger: int, champion: int) -> Outlook:
    """The outlook of a judge of a difference, where both go on answering in the ratio seen so far."""
    share, low, high = round(judge.champion, 3), *RATIOS
    ratio = round(min(max(champion / challenger, low), high), 1) if challenger and champion else 1.0
    worse = min(times * (share + judge.margin), (1 + share + judge.margin) / 2)
    return Outlook(
        exposed=_needed((worse, share), judge.margin, ratio, LEARNING * -log(judge.alpha), Z95),
        enough=_needed((share, share), judge.margin, ratio, log(GOOD / judge.beta), 0.0),
    )


@lru_cache(maxsize=4096)
def _needed(shares: tuple[float, float], margin: float, ratio: float, nats: float, z: float) -> int:
    """The n that solves  n drift - z sqrt(n variance) = nats,  for n answers of the challenger beside n `ratio` others.

    `shares` are those of bad answers of the challenger and of the champion.
    """
    challenger, champion = (min(max(share, TINY), 1 - TINY) for share in shares)
    t = nearest_champion((challenger, champion), (1.0, ratio), margin)
    pairs = ((1.0, challenger, min(t + margin, 1 - TINY)), (ratio, champion, min(max(t, TINY), 1 - TINY)))
    drift = sum(weight * (p * log(p / q) + (1 - p) * (log1p(-p) - log1p(-q))) for weight, p, q in pairs)
    variance = sum(weight * p * (1 - p) * (log(p / q) - log1p(-p) + log1p(-q)) ** 2 for weight, p, q in pairs)
    root = (z * sqrt(variance) + sqrt(z * z * variance + 4 * drift * nats)) / (2 * drift) if drift > 0 else inf
    return min(ceil(root * root), MOST) if root < inf else MOST
