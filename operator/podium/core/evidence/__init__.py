"""Counts of good and bad answers, and what they prove. Anytime-valid: it may look after every answer, for days.

An e-process is the wealth of somebody who bets against the null and begins with 1. If the null is true, no strategy can
expect to gain, so by Ville's inequality the wealth ever reaches 1/α with probability at most α, however often one looks
(Ramdas, Grünwald, Vovk, Shafer, *Game-theoretic statistics and safe anytime-valid inference*, 2023).

    counts            the closed form: what two totals prove about a limit
    against_limit     the same, fed block by block, and quick after a late fault
    against_champion  the challenger beside a champion under the same circumstances

Below them: `bets` (wealth over starting times), `projection` (the null's point nearest to a bet), `beta` (the incomplete
Beta function). Everything is in terms of counts only; what counts as a bad answer is not known here.
"""

from podium.core.evidence.against_champion import AgainstChampion, ChampionMemory
from podium.core.evidence.against_limit import AgainstLimit, LimitMemory
from podium.core.evidence.counts import answers_to_expose, answers_to_hold, proves_above, proves_below
from podium.core.evidence.judgement import Judgement

__all__ = [
    "AgainstChampion",
    "AgainstLimit",
    "ChampionMemory",
    "Judgement",
    "LimitMemory",
    "answers_to_expose",
    "answers_to_hold",
    "proves_above",
    "proves_below",
]
