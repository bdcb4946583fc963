"""The judge of a challenger beside its champion, and what it must not be fooled by."""

import json
import math
from dataclasses import asdict
from statistics import median

import numpy as np
import pytest
from scipy.stats import binom

from podium.core.analysis.sequential import AgainstChampion, ChampionTestState, bets
from podium.core.analysis.sequential.against_champion import AT_ONCE, Block

MARGIN, ALPHA, BETA = 0.005, 0.01, 0.05
JUDGE = AgainstChampion(MARGIN, ALPHA, BETA)


def look(
    judge: AgainstChampion, answers: tuple[int, int], shares: tuple[float, float], chance: np.random.Generator
) -> AgainstChampion:
    """One block; pairs are (challenger, champion)."""
    bad = [int(chance.binomial(n, share)) for n, share in zip(answers, shares, strict=True)]
    return judge.see(bad[0], answers[0] - bad[0], bad[1], answers[1] - bad[1])


def looks_until_broken(
    judge: AgainstChampion,
    answers: tuple[int, int],
    shares: tuple[float, float],
    chance: np.random.Generator,
    *,
    most: int = 1000,
) -> float:
    for looks in range(1, most):
        judge = look(judge, answers, shares, chance)
        if judge.verdict == "Failed":
            return looks
    return math.inf


def through_a_shared_outage(chance: np.random.Generator) -> tuple[AgainstChampion, tuple[float, float]]:
    """100 answers a second; half of all fail for 40 s; 5 s into that the challenger's weight goes from 5 to 50 %.

    Returns the judge and the two pooled shares of bad answers, (challenger, champion).
    """
    judge, bad, answers = JUDGE, [0, 0], [0, 0]
    for second in range(120):
        share = 0.5 if 55 <= second < 95 else 0.01
        challenger = 5 if second < 60 else 50
        block = (challenger, 100 - challenger)
        failed = [int(chance.binomial(n, share)) for n in block]
        judge = judge.see(failed[0], block[0] - failed[0], failed[1], block[1] - failed[1])
        bad, answers = [bad[i] + failed[i] for i in (0, 1)], [answers[i] + block[i] for i in (0, 1)]
    return judge, (bad[0] / answers[0], bad[1] / answers[1])


def test_a_shared_outage_while_the_share_moves_condemns_nobody() -> None:
    chance = np.random.default_rng(1)
    trials = [through_a_shared_outage(chance) for _ in range(40)]
    pooled = [challenger - champion for _, (challenger, champion) in trials]
    assert min(pooled) > 4 * MARGIN  # Simpson's paradox: who compares totals condemns them all
    assert sum(judge.verdict == "Failed" for judge, _ in trials) <= 2


@pytest.mark.parametrize("blocks", [1, 100])
def test_a_champion_with_ten_million_answers_condemns_no_good_challenger(blocks: int) -> None:
    chance, broken = np.random.default_rng(2), 0
    for _ in range(30):
        judge = JUDGE
        for _ in range(blocks):
            judge = look(judge, (2000 // blocks, 10**7 // blocks), (0.01, 0.01), chance)
        broken += judge.verdict == "Failed"
    assert broken <= 2  # 0.3 are allowed on average


def test_a_challenger_at_the_margin_is_rarely_condemned_however_often_one_looks() -> None:
    chance, broken = np.random.default_rng(3), 0
    for _ in range(100):
        broken += looks_until_broken(JUDGE, (5, 15), (0.015, 0.01), chance, most=80) < math.inf
    assert broken <= 5  # 1 is allowed on average


@pytest.mark.parametrize("champion", [0.01, 0.1, 0.4])
def test_no_bet_is_expected_to_gain_from_a_challenger_at_the_margin(champion: float) -> None:
    before = JUDGE.see(1, 9, 1, 9)
    n1, n0 = 12, 12
    worse = no_worse = 0.0
    for s1 in range(n1 + 1):
        for s0 in range(n0 + 1):
            chance = binom.pmf(s1, n1, champion + MARGIN) * binom.pmf(s0, n0, champion)
            after = before.see(s1, n1 - s1, s0, n0 - s0).state
            worse += chance * math.exp(bets.log_total(after.worse))
            no_worse += chance * math.exp(bets.log_total(after.no_worse))
    starts = bets.starts_within(10, 10 + n1, AT_ONCE)
    assert worse <= math.exp(bets.log_total(before.state.worse)) + starts + 1e-9
    assert no_worse <= math.exp(bets.log_total(before.state.no_worse)) + 1e-9


@pytest.mark.parametrize(("weight", "bound"), [(0.05, 189), (0.5, 395)])
def test_a_challenger_that_is_worse_is_found_near_the_bound(weight: float, bound: int) -> None:
    chance = np.random.default_rng(4)
    answers = (int(100 * weight), 100 - int(100 * weight))
    looks = median(looks_until_broken(JUDGE, answers, (0.05, 0.01), chance) for _ in range(40))
    assert looks * answers[0] <= 1.5 * bound  # 1.2 to 1.3 with 10,000 trials: see bench/judgement


def test_ten_thousand_answers_as_good_as_the_champion_do_not_shield_a_challenger_that_turns_bad() -> None:
    chance, judge = np.random.default_rng(5), JUDGE
    for _ in range(500):
        judge = look(judge, (20, 80), (0.01, 0.01), chance)
    assert 20 * median(looks_until_broken(judge, (20, 80), (0.2, 0.01), chance) for _ in range(20)) <= 80
    assert 20 * median(looks_until_broken(judge, (20, 80), (1.0, 0.01), chance) for _ in range(20)) <= 20


def test_looking_after_every_answer_finds_a_bad_challenger_too() -> None:
    judge, answers = JUDGE, 0
    while judge.verdict != "Failed":
        judge = judge.see(1, 0, 0, 0).see(0, 0, 0, 1)
        answers += 1
    assert answers <= 8


@pytest.mark.parametrize("block", [100, 1000, 100_000])
def test_one_block_of_any_size_finds_a_challenger_that_fails_always(block: int) -> None:
    assert JUDGE.see(block, 0, block // 100, block - block // 100).verdict == "Failed"


def test_answers_of_one_side_alone_prove_nothing_and_are_let_go() -> None:
    judge = JUDGE
    for _ in range(500):
        judge = judge.see(90, 10, 0, 0)
    assert judge.verdict == "Inconclusive"
    assert judge.state.pending == Block()
    assert judge.see(0, 0, 5, 95).state.pending == Block(0, 0, 5, 95)


def test_silence_is_no_evidence() -> None:
    judge = JUDGE
    for _ in range(1000):
        judge = judge.see(0, 0, 0, 0)
    assert judge.state == JUDGE.state
    assert judge.verdict == "Inconclusive"


def test_a_challenger_as_good_as_its_champion_holds_in_the_end() -> None:
    chance, judge = np.random.default_rng(6), JUDGE
    for _ in range(200):
        judge = look(judge, (50, 50), (0.01, 0.01), chance)
    assert judge.verdict == "Passed"


def test_a_challenger_at_the_margin_is_rarely_said_to_hold() -> None:
    chance, held = np.random.default_rng(7), 0
    for _ in range(40):
        judge, ever = JUDGE, False
        for _ in range(60):
            judge = look(judge, (50, 50), (0.015, 0.01), chance)
            ever |= judge.verdict == "Passed"
        held += ever
    assert held <= 6  # 2 are allowed on average


def test_what_was_proved_broken_stays_broken() -> None:
    assert JUDGE.see(100, 0, 1, 99).see(0, 100_000, 1000, 99_000).verdict == "Failed"


def test_a_champion_that_fails_always_makes_nobody_look_worse() -> None:
    judge = JUDGE
    for _ in range(200):
        judge = judge.see(50, 0, 50, 0)
    assert judge.verdict == "Inconclusive"


@pytest.mark.parametrize("margin", [0.0, 0.3, 0.5])
def test_every_margin_that_can_be_asked_for_is_judged(margin: float) -> None:
    chance, judge = np.random.default_rng(8), AgainstChampion(margin, ALPHA, BETA)
    assert looks_until_broken(judge, (50, 50), (min(1.0, 2 * margin + 0.2), 0.01), chance) < 10
    assert looks_until_broken(judge, (50, 50), (0.3, 0.3), chance, most=100) == math.inf or margin == 0


def test_the_memory_is_a_few_plain_numbers_that_survive_a_restart() -> None:
    judge = JUDGE.see(1, 19, 1, 79).see(0, 1, 0, 0)
    text = json.dumps(asdict(judge.state))
    assert len(text) < 600
    plain = json.loads(text)
    again = AgainstChampion(MARGIN, ALPHA, BETA, ChampionTestState(**{**plain, "pending": Block(**plain["pending"])}))
    assert again.see(1, 19, 1, 79).state == judge.see(1, 19, 1, 79).state


@pytest.mark.parametrize("shares", [(0.2, 0.01), (0.01, 0.01), (0.02, 0.01)])
def test_the_wealth_of_both_bets_says_how_far_the_verdict_is(shares: tuple[float, float]) -> None:
    judge, chance = JUDGE, np.random.default_rng(1)
    for _ in range(10):
        judge = look(judge, (100, 100), shares, chance)
        assert (judge.log_failed >= -math.log(ALPHA)) == (judge.verdict == "Failed") or judge.state.failed
        assert (judge.log_passed >= -math.log(BETA)) == (judge.verdict == "Passed") or judge.state.failed


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative: champion_bad = -1"):
        JUDGE.see(0, 1, -1, 1)
