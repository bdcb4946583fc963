"""Trials in virtual time: the real operator decides, with seeds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from podium.api.v1alpha1.status import Phase
from podium.core.decide import Decision, decide, decide_without_evidence
from podium.core.facts import Facts
from podium.simulation.assumed import Role, assumed
from podium.simulation.figures import Chance, figures
from podium.simulation.many import trials
from podium.simulation.trial import Outcome, Plan, run
from podium.simulation.window import windowed
from tests.stories.simulator import spec_of

ERRORS = {"name": "errors", "errorRate": {"atMost": "1%"}}
QUICK = {
    "steps": [{"weight": 25, "duration": "20s"}, {"weight": 50, "duration": "20s"}],
    "soak": "1m",
    "guards": [ERRORS],
}


def plan(rate: float = 50, said: dict[Role, dict[str, float]] | None = None, **rollout: object) -> Plan:
    spec = spec_of("2", rollout={**QUICK, **rollout}, gates=[{"name": "g", "tags": {"required": ["x"]}}], paused=True)
    return Plan(spec, rate, assumed(spec.rollout.guards, said or {}), timedelta(days=7))


def test_a_good_version_is_promoted_and_watched() -> None:
    outcome = run(plan(), "good", "1")
    assert outcome.end == "promoted"
    assert outcome.promoted == pytest.approx(41, abs=2)
    assert outcome.ended == pytest.approx(41 + 60, abs=3)
    assert outcome.answers == pytest.approx(25 * 41 + 50 * 60, rel=0.1)
    assert outcome.reason == ""


def test_a_bad_version_is_rolled_back_for_the_guard_that_it_broke() -> None:
    outcome = run(plan(said={"bad": {"": 0.2}}), "bad", "1")
    assert (outcome.end, outcome.promoted, outcome.reason) == ("rolled back", None, "GuardFailed")
    assert outcome.ended < 5
    assert 2 <= outcome.hit <= outcome.answers < 120


def test_a_seed_says_it_all() -> None:
    assert run(plan(), "bad", "7") == run(plan(), "bad", "7")
    assert run(plan(), "bad", "7") != run(plan(), "bad", "8")


def test_testers_and_users_who_stay_change_nothing() -> None:
    def behind(**traffic: object) -> Plan:
        spec = spec_of("2", rollout=QUICK, traffic={"gateway": {"name": "public"}, **traffic})
        return Plan(spec, 50, assumed(spec.rollout.guards, {}), timedelta(days=7))

    preview = {"header": "x-podium-preview", "duration": "1h"}
    assert run(behind(preview=preview, sessionAffinity={"cookieName": "podium"}), "good", "1") == run(
        behind(), "good", "1"
    )


def test_the_number_of_processes_changes_nothing() -> None:
    alone = list(trials(plan(), "bad", 10, seed=3, workers=1))
    assert list(trials(plan(), "bad", 10, seed=3, workers=2)) == alone


def test_where_the_champion_is_as_bad_nobody_is_to_blame() -> None:
    outcome = run(plan(said={"champion": {"": 0.4}, "bad": {"": 0.4}}), "bad", "1")
    assert (outcome.end, outcome.reason) == ("circumstances", "SharedOutage")


def test_too_few_requests_leave_it_undecided() -> None:
    outcome = run(plan(rate=1 / 3600), "good", "1")
    assert (outcome.end, outcome.promoted) == ("undecided", None)
    assert outcome.ended >= timedelta(days=7).total_seconds()


def test_silence_is_what_the_spec_says_it_is() -> None:
    outcome = run(plan(rate=1 / 3600, onInconclusive="RollBack", step_timeout="2h"), "good", "1")
    assert (outcome.end, outcome.reason) == ("rolled back", "EvidenceTimeout")
    assert outcome.ended == pytest.approx(7200, abs=2)


@pytest.mark.parametrize(
    ("guard", "bad"),
    [
        ({"latency": {"percentile": 95, "atMost": "100ms"}}, 0.3),
        ({"latency": {"percentile": 95, "maxSlowerThanChampion": "2%"}}, 0.3),
        ({"invalidOutput": {"atMost": "1%"}}, 0.1),
        ({"errorRate": {"maxAboveChampion": "0.5%"}}, 0.1),
        ({"prometheus": {"bad": 'x{v="{{version}}"}', "total": 'y{v="{{version}}"}', "atMost": "1%"}}, 0.1),
        ({"predictionShift": {"maxShift": "10%"}}, 0.5),
    ],
)
def test_every_kind_of_guard_finds_a_bad_version_and_lets_a_good_one_pass(guard: dict[str, object], bad: float) -> None:
    made = plan(rate=400, said={"bad": {"it": bad}}, guards=[{"name": "it", **guard}])
    outcome = run(made, "bad", "1")
    assert (outcome.end, outcome.reason) == ("rolled back", "GuardFailed")
    assert outcome.hit == pytest.approx(bad * outcome.answers, rel=0.5)
    assert run(made, "good", "1").end == "promoted"


def test_a_run_of_failures_ends_it_where_the_limit_is_too_lenient_to() -> None:
    lenient = [{"name": "errors", "errorRate": {"atMost": "50%"}}]
    outcome = run(plan(said={"bad": {"": 0.5}}, guards=lenient, consecutiveFailures=3), "bad", "1")
    assert outcome.reason == "ConsecutiveFailures"


def test_a_version_at_the_limit_is_hardly_ever_rolled_back() -> None:
    """α bounds it, however the looks are laid: 30 trials of 2,500 answers."""
    slow = plan(rate=100, said={"good": {"": 0.01}}, steps=[{"weight": 50, "duration": "50s"}], soak="1s")
    wrong = [run(slow, "good", str(seed)).end == "rolled back" for seed in range(30)]
    assert sum(wrong) <= 2


def test_what_the_controller_does_the_simulation_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real Reconciler is at work: where it cannot evaluate the evidence of a step, nothing is promoted."""

    def blind(facts: Facts) -> Decision:
        failed = facts.status.phase is Phase.CANARY
        return decide_without_evidence(facts, ValueError("a fault")) if failed else decide(facts)

    monkeypatch.setattr("podium.controller.reconcile.decide", blind)
    assert run(replace(plan(), longest=timedelta(minutes=2)), "good", "1").end == "undecided"


# --- figures ----------------------------------------------------------------------------------------------------------


def outcome(end: str, ended: float, promoted: float | None = None) -> Outcome:
    return Outcome(end, promoted, ended, 100, 5, "")  # type: ignore[arg-type] # the tests name the ends


def test_figures_tell_promotions_and_rollbacks_even_of_the_same_version() -> None:
    found = figures("bad", [outcome("rolled back", 9, promoted=5), outcome("promoted", 8, 4), outcome("undecided", 7)])
    assert (found.promoted.count, found.rolled_back.count, found.rolled_back_later.count) == (2, 1, 1)
    assert found.undecided.count == 1
    assert (found.promotions, found.rollbacks) == ([4, 5], [9])
    assert found.to_promotion is not None
    assert (found.to_promotion.median, found.to_promotion.most) == (4, 5)


@pytest.mark.parametrize(
    ("count", "trials", "low", "high"), [(0, 200, 0, 0.01828), (200, 200, 0.98172, 1), (3, 50, 0.01255, 0.16548)]
)
def test_a_chance_has_its_clopper_pearson_interval(count: int, trials: int, low: float, high: float) -> None:
    chance = Chance(count, trials)
    assert (chance.low, chance.high) == pytest.approx((low, high), abs=2e-5)


# --- windows ----------------------------------------------------------------------------------------------------------


def test_a_threshold_on_windows_condemns_good_versions() -> None:
    """The arithmetic of the issue: 0.2 % errors, any of 20 requests, 25 windows: 63 % are rolled back."""
    spec = spec_of("2", rollout={**QUICK, "steps": [{"weight": 50, "duration": "10s"}]})
    found = windowed(spec, 100, good=0.002, bad=0.05)
    assert found.false_rollback == pytest.approx(1 - 0.998**500)
    assert found.false_rollback == pytest.approx(0.63, abs=0.01)
    assert found.to_rollback == pytest.approx(0.4)  # one window of 20 in two fails
    assert found.hit == pytest.approx(1)


def test_a_threshold_that_never_speaks_finds_nothing() -> None:
    assert windowed(plan().spec, 50, good=0.0, bad=0.0).to_rollback is None
