"""The judges on arrays, of the bench, say what the judges of the core say, look by look."""

import numpy as np
import pytest

from bench.judgement.twins import ChampionTwin, LimitTwin
from podium.core.analysis.sequential import AgainstChampion, AgainstLimit

ALPHA, BETA = 0.01, 0.05
MOST = 500.0  # nats; the twin keeps wealth itself, which is a number up to some 600
SIZES = [1, 7, 100, 3000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("limit", [0.0005, 0.01, 0.5])
def test_the_twin_against_a_limit_equals_the_core(size: int, limit: float) -> None:
    chance = np.random.default_rng(size)
    shares = limit * np.array([0.0, 0.2, 1.0, 1.0, 1.5, 1.9])
    twin = LimitTwin(len(shares), limit, ALPHA, BETA)
    judges = [AgainstLimit(limit, ALPHA, BETA) for _ in shares]
    for _ in range(60):
        answers = chance.poisson(size, len(shares))
        bad = chance.binomial(answers, shares)
        twin.see(bad, answers - bad)
        judges = [judge.see(int(b), int(n - b)) for judge, b, n in zip(judges, bad, answers, strict=True)]
        late = np.array([judge.state.late for judge in judges]).T
        least = [min(judge.log_failed, MOST) for judge in judges]
        assert np.minimum(np.log(twin.wealth), MOST) == pytest.approx(least, abs=1e-6)
        assert np.log(twin.late) == pytest.approx(late, abs=1e-8)
        assert list(twin.broken) == [judge.verdict == "Failed" for judge in judges]
        assert list(twin.holds) == [judge.verdict == "Passed" for judge in judges]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_the_twin_against_the_champion_equals_the_core(size: int, share: float) -> None:
    chance = np.random.default_rng(size)
    challenger = np.array([0.0, 0.01, 0.015, 0.03, 0.3, 0.97])
    twin = ChampionTwin(len(challenger), 0.005, ALPHA, BETA)
    judges = [AgainstChampion(0.005, ALPHA, BETA) for _ in challenger]
    for look in range(60):
        n1, n0 = chance.poisson(size * share, len(challenger)), chance.poisson(size * (1 - share), len(challenger))
        s1 = chance.binomial(n1, challenger)
        s0 = chance.binomial(n0, 0.01 if look < 30 else 0.99)
        twin.see(s1, n1 - s1, s0, n0 - s0)
        blocks = zip(s1, n1 - s1, s0, n0 - s0, strict=True)
        judges = [judge.see(*map(int, block)) for judge, block in zip(judges, blocks, strict=True)]
        assert np.log(twin.wealth) == pytest.approx([judge.log_failed for judge in judges], abs=1e-6)
        assert np.log(twin.worse) == pytest.approx(np.array([judge.state.worse for judge in judges]).T, abs=1e-6)
        assert twin.no_worse == pytest.approx(np.array([judge.state.no_worse for judge in judges]).T, abs=1e-6)
        assert list(twin.broken) == [judge.verdict == "Failed" for judge in judges]
        assert list(twin.holds) == [judge.verdict == "Passed" for judge in judges]
