"""How often a good challenger is rejected, and a bad one said to hold."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.judgement import bounds
from bench.judgement.traffic import Beside, Sizes, alone, beside, bursts, steady
from bench.judgement.twins import ChampionTwin, LimitTwin

LIMIT, MARGIN, ALPHA, BETA = 0.01, 0.005, 0.01, 0.05
CHAMPION = 0.01
OUTAGE = 0.4  # share of bad answers while a feature store is down, of both versions


@dataclass(frozen=True)
class Rate:
    """How often a judge was wrong in one kind of trial."""

    guard: str
    traffic: str
    challenger: str
    trials: int
    wrong: int

    @property
    def upper(self) -> float:
        """Upper end of the 99 % interval."""
        return bounds.upper(self.wrong, self.trials)


RATES: dict[str, Sizes] = {
    "a look after every answer": steady(1),
    "5 answers/s": steady(5),
    "100 answers/s": steady(100),
    "1,000 answers/s": steady(1000),
    "bursts of 2,000": bursts,
}
GOOD = {"at the limit": LIMIT, "at half of it": LIMIT / 2, "at zero": 0.0}


def against_limit(trials: int, answers: int, seed: int) -> Iterator[Rate]:
    """Good challengers beside a fixed limit, looked at every second or after every answer."""
    for traffic, sizes in RATES.items():
        for challenger, share in GOOD.items():
            chance = np.random.default_rng(seed)
            twin = LimitTwin(trials, LIMIT, ALPHA, BETA)
            for bad, good in alone(chance, trials, sizes, share, answers):
                twin.see(bad, good)
            yield Rate("limit", traffic, challenger, trials, int(twin.broken.sum()))


def against_champion(trials: int, answers: int, seed: int) -> Iterator[Rate]:
    """Challengers at the margin, or as good as the champion, for so many answers of both together."""
    for traffic, rate, weight in [
        ("a look after every answer, 50 %", 1, 0.5),
        ("5 answers/s, 20 %", 5, 0.2),
        ("100 answers/s, 5 %", 100, 0.05),
        ("100 answers/s, 50 %", 100, 0.5),
        ("1,000 answers/s, 5 %", 1000, 0.05),
    ]:
        looks = [Beside(weight, CHAMPION + MARGIN, CHAMPION)] * (answers // rate)
        yield _beside(traffic, "at the margin", looks=looks, sizes=steady(rate), trials=trials, seed=seed)
    for challenger, worse in {"as the champion": 0.0, "at the margin": MARGIN}.items():
        for sizes, traffic in ((steady(100), "100 answers/s, 5 to 50 %"), (bursts, "bursts, 5 to 50 %")):
            looks = list(shared_outage(answers // 100, worse))
            yield _beside(f"{traffic}, outage", challenger, looks=looks, sizes=sizes, trials=trials, seed=seed)


def shared_outage(looks: int, worse: float) -> Iterator[Beside]:
    """Both fail together for 40 % of the time; soon after it began, the challenger's weight goes from 5 to 50 %."""
    for look in range(looks):
        out = 0.45 * looks <= look < 0.85 * looks
        champion = OUTAGE if out else CHAMPION
        yield Beside(0.05 if look < looks / 2 else 0.5, champion + worse, champion)


def _beside(traffic: str, challenger: str, *, looks: list[Beside], sizes: Sizes, trials: int, seed: int) -> Rate:
    chance = np.random.default_rng(seed)
    twin = ChampionTwin(trials, MARGIN, ALPHA, BETA)
    for look in looks:
        twin.see(*beside(chance, trials, sizes, look))
    return Rate("champion", traffic, challenger, trials, int(twin.broken.sum()))


def false_holds(trials: int, answers: int, seed: int) -> Iterator[Rate]:
    """Challengers that are just not good enough, and are said to hold at any look."""
    chance = np.random.default_rng(seed)
    limit, held = LimitTwin(trials, LIMIT, ALPHA, BETA), np.zeros(trials, bool)
    for bad, good in alone(chance, trials, steady(20), LIMIT, answers):
        limit.see(bad, good)
        held |= limit.holds
    yield Rate("limit holds", "20 answers/s", "at the limit", trials, int(held.sum()))
    champion, held = ChampionTwin(trials, MARGIN, ALPHA, BETA), np.zeros(trials, bool)
    for look in shared_outage(answers // 100, MARGIN):
        champion.see(*beside(chance, trials, steady(100), look))
        held |= champion.holds
    yield Rate("champion holds", "100 answers/s, 5 to 50 %, outage", "at the margin", trials, int(held.sum()))


def healthy(trials: int, answers: int, share: float, seed: int) -> float:
    """How many versions with so small a share of errors are rejected by the limit, looked at every 10 answers."""
    chance = np.random.default_rng(seed)
    twin = LimitTwin(trials, LIMIT, ALPHA, BETA)
    for bad, good in alone(chance, trials, steady(10), share, answers):
        twin.see(bad, good)
    return float(twin.broken.mean())
