"""Counts of good and bad answers, and what they prove. Anytime-valid: a test may peek after every answer, for days.

An e-process is the wealth of a gambler who bets against the null and begins with 1. If the null is true, no strategy
can expect to gain, so by Ville's inequality the wealth ever reaches 1/α with probability at most α, however often one
looks (Ramdas, Grünwald, Vovk, Shafer, *Game-theoretic statistics and safe anytime-valid inference*, 2023).

    counts            the closed form: what two totals prove about a limit
    against_limit     the same, fed block by block, and quick after a late fault
    against_champion  the challenger beside a champion under the same circumstances
    against_pairs     the same, where both have answered the same requests
    holm              several arms at once: which of them have failed, at one α for all
    best              which of several arms is the best
    run_length        one share, watched for years: bounds how often it alarms, not whether
    sample_ratio      whether two counts of requests contradict the share that one of them should have

    outlook           how many answers they are likely to need

Below them: `bets` (wealth over starting times), `alternatives` (which shares are bet on), `projection` (the e-variable
of a block of two samples), `beta` (the incomplete Beta function). All is in terms of counts: what makes an answer bad
is not known here.
"""

from podium.core.analysis.sequential.against_champion import HOPELESS, AgainstChampion, Block, ChampionTestState
from podium.core.analysis.sequential.against_limit import AgainstLimit, LimitTestState
from podium.core.analysis.sequential.against_pairs import AgainstPairs, PairsTestState
from podium.core.analysis.sequential.best import best_arm, lower_bound
from podium.core.analysis.sequential.counts import answers_to_expose, answers_to_hold, proves_above, proves_below
from podium.core.analysis.sequential.holm import arm_alpha, failed_arms, log_evidence_against
from podium.core.analysis.sequential.judgement import TestVerdict
from podium.core.analysis.sequential.run_length import RunLength, unearned
from podium.core.analysis.sequential.sample_ratio import log_evidence_of_mismatch

__all__ = [
    "HOPELESS",
    "AgainstChampion",
    "AgainstLimit",
    "AgainstPairs",
    "Block",
    "ChampionTestState",
    "LimitTestState",
    "PairsTestState",
    "RunLength",
    "TestVerdict",
    "answers_to_expose",
    "answers_to_hold",
    "arm_alpha",
    "best_arm",
    "failed_arms",
    "log_evidence_against",
    "log_evidence_of_mismatch",
    "lower_bound",
    "proves_above",
    "proves_below",
    "unearned",
]
