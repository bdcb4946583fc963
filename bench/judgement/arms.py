"""Eight arms beside one champion: how often any good one of them fails, by Holm's procedure on running suprema.

Each arm gets a share of the requests, and is judged by a limit of its own and beside the champion, by halves of its α.
All are compared with the same answers of the champion, so that an odd second of it speaks against all of them at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.judgement import bounds
from bench.judgement.errors import ALPHA, BETA, CHAMPION, LIMIT, MARGIN, OUTAGE
from bench.judgement.twins import ChampionTwin, Flags, Floats, LimitTwin
from podium.core.analysis.sequential import failed_arms

ARMS, LOOKS, REQUESTS = 8, 300, 100  # requests a look
CRITERIA = 2
BAD = 0.05  # the share of bad answers of an arm that is to fail


@dataclass(frozen=True)
class Setting:
    """What the arms are, and how much of the traffic each gets."""

    name: str
    weight: float
    share: float  # of bad answers of the champion, and of a good arm
    worse: float = 0.0  # by which a good arm is worse than the champion
    bad: int = 0  # arms that are to fail
    outage: bool = False  # all fail more for two fifths of the time; arms are only compared then

    def __str__(self) -> str:
        return f"{ARMS} arms of {self.weight:.0%}, {self.name}"


SETTINGS = (
    Setting("all as the champion", 0.1, CHAMPION),
    Setting("all as the champion", 0.02, CHAMPION),
    Setting("all at limit and margin", 0.1, LIMIT - MARGIN, worse=MARGIN),
    Setting("four bad, four at limit and margin", 0.1, LIMIT - MARGIN, worse=MARGIN, bad=4),
    Setting("seven bad, one at limit and margin", 0.1, LIMIT - MARGIN, worse=MARGIN, bad=7),
    Setting("all at the margin, a shared outage", 0.1, CHAMPION, worse=MARGIN, outage=True),
)


@dataclass(frozen=True)
class Rate:
    """How many of the trials fail a good arm, and how many bad arms are found."""

    setting: Setting
    trials: int
    wrong: int
    found: float | None  # of the bad arms; None where there is none

    @property
    def upper(self) -> float:
        """Upper end of the 99 % interval of the first."""
        return bounds.upper(self.wrong, self.trials)


def rates(trials: int, seed: int) -> Iterator[Rate]:
    """Each setting. Columns of an array are trials × arms."""
    for setting in SETTINGS:
        failed = _failed(_peaks(setting, trials, np.random.default_rng(seed)))
        good, bad = failed[:, setting.bad :], failed[:, : setting.bad]
        found = float(bad.mean()) if setting.bad else None
        yield Rate(setting, trials, int(good.any(axis=1).sum()), found)


def _failed(peaks: Floats) -> Flags:
    """The arms of each trial that fail in the end. What failed earlier has failed by then: peaks do not fall."""
    return np.array([failed_arms(list(trial), ALPHA) for trial in np.log(peaks / CRITERIA)])


def _peaks(setting: Setting, trials: int, chance: np.random.Generator) -> Floats:
    """The largest wealth of any criterion, by trial and arm."""
    limited = LimitTwin(trials * ARMS, LIMIT, ALPHA, BETA)
    compared = ChampionTwin(trials * ARMS, MARGIN, ALPHA, BETA)
    peaks = np.ones(trials * ARMS)
    for look in range(LOOKS):
        out = setting.outage and 0.45 * LOOKS <= look < 0.85 * LOOKS
        usual = OUTAGE if out else setting.share
        shares = np.full(ARMS, usual + setting.worse)
        shares[: setting.bad] = BAD
        weights = [setting.weight] * ARMS + [1 - ARMS * setting.weight]
        answers = chance.multinomial(chance.poisson(REQUESTS, trials), weights)
        bad = chance.binomial(answers, np.append(shares, usual))
        arms_bad, arms_good = bad[:, :ARMS].ravel(), (answers - bad)[:, :ARMS].ravel()
        champion_bad, champion_good = (np.repeat(each[:, ARMS], ARMS) for each in (bad, answers - bad))
        compared.see(arms_bad, arms_good, champion_bad, champion_good)
        peaks = np.maximum(peaks, compared.wealth)
        if not setting.outage:
            limited.see(arms_bad, arms_good)
            peaks = np.maximum(peaks, limited.wealth)
    return peaks.reshape(trials, ARMS)
