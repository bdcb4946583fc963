"""Whether two counts of requests contradict the share that one of them should have: a sequential multinomial test.

Lindon, Malek, *Anytime-valid inference for multinomial count data* (2022, arXiv 2011.03567): a Dirichlet prior around
the expected shares, here a Beta, and the ratio of the counts' chance under it to that under the expected share. If that
is the true one, the ratio ever reaches 1/α with probability at most α, however often one looks.

Real traffic is never shared quite exactly: a pod that ends takes its last second of counts with it. So the null is an
interval around the share, and the ratio is taken to the most likely share in it, which can only make it smaller.
"""

from math import lgamma, log, log1p
from typing import Final

from podium.core.analysis.sequential.judgement import check_counts

CONCENTRATION: Final = 100.0  # of the prior, as if so many requests had been shared as expected
TOLERANCE: Final = 0.02  # of the smaller side's share: 1 point at 50 %, 0.1 points at 5 %


def log_evidence_of_mismatch(challenger: int, champion: int, share: float) -> float:
    """The log of the ratio: -log(alpha) of it prove that the challenger's share is not within TOLERANCE of `share`.

    `share` is in (0, 1). Raises ValueError where a count is negative.
    """
    check_counts(challenger=challenger, champion=champion)
    if not challenger + champion:
        return 0.0
    a, b = CONCENTRATION * share, CONCENTRATION * (1 - share)
    mixture = _log_beta(a + challenger, b + champion) - _log_beta(a, b)
    width = TOLERANCE * min(share, 1 - share)
    nearest = min(max(challenger / (challenger + champion), share - width), share + width)
    return mixture - challenger * log(nearest) - champion * log1p(-nearest)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
