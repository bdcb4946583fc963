from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from podium.api.v1alpha1.evidence import Counts, Evidence, MeasureCounts
from podium.api.v1alpha1.status import Condition, Phase, Pinned, Status, Trial, Verdict
from podium.controller import rollout_metrics
from podium.controller.metrics import Metrics
from podium.core.facts import Key, TrafficState
from podium.core.rollout.transitions import Move
from podium.core.rollout.trial_checks import challenger_ready
from podium.simulation.world.view import KEY as STAGED
from podium.simulation.world.view import MODEL
from tests.unit.controller.stage import Stage, spec

KEY, OTHER = Key("ml", "churn"), Key("ml", "fraud")
STATUS = Status(phase=Phase.CANARY, challenger=Pinned(version="7", digest="d", slot="b"))
TRAFFIC = TrafficState(desired={"a": 95, "b": 5}, current={"a": 75.0, "b": 25.0})
MOVE = Move(Phase.STARTING, challenger_ready, Phase.CANARY, Verdict(reason="x", message=""))
OF_STAGE = f'name="{STAGED.name}",namespace="{STAGED.namespace}"'
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def trial(**more: Any) -> Trial:
    """A trial of one guard."""
    known = {"generation": 1, "started_at": BEGAN, "terms_hash": "", "on_inconclusive": "Wait"}
    times = {"step_timeout": timedelta(hours=1), "soak": timedelta(minutes=1)}
    steps = [{"weight": 5, "duration": "5m"}, {"weight": 50, "duration": "5m"}]
    guards = [{"name": "errors", "errorRate": {"atMost": "1%"}}]
    return Trial.model_validate({**known, **times, "steps": steps, "guards": guards, **more})


def evidence(answers: int, bad: int) -> Evidence:
    """What the challenger answered."""
    return Evidence(measures=[MeasureCounts(measure="errors", challenger=Counts(answers=answers, bad=bad))])


def value(text: str, series: str) -> float:
    """The value of one series. Raises StopIteration where there is none."""
    return float(next(line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{series} ")))


def shown(metrics: Metrics) -> str:
    return metrics.render().decode()


def test_where_a_rollout_stands_is_shown() -> None:
    metrics = Metrics()
    metrics.show(KEY, STATUS, TRAFFIC)
    text = shown(metrics)
    assert 'podium_modeldeployment_phase{name="churn",namespace="ml",phase="Canary"} 1.0' in text
    assert 'phase="Stable"' not in text
    assert 'podium_traffic_weight_percent{kind="desired",name="churn",namespace="ml"} 5.0' in text
    assert 'podium_traffic_weight_percent{kind="current",name="churn",namespace="ml"} 25.0' in text


def test_what_is_shown_is_what_a_client_of_prometheus_reads() -> None:
    """Its text is made once and kept, by hand: quotes, backslashes and line ends in labels are part of it."""
    metrics = Metrics()
    odd = Pinned(version='a "b" \\n', digest="d", slot="b", model="two\nlines \\ and é")
    metrics.show(KEY, STATUS.model_copy(update={"challenger": odd}), TRAFFIC)
    families = {each.name: each for each in text_string_to_metric_families(shown(metrics))}
    (info,) = families["podium_modeldeployment_info"].samples
    assert info.labels == {
        "namespace": "ml",
        "name": "churn",
        "model": odd.model,
        "champion": "",
        "challenger": odd.version,
    }
    assert [each.value for each in families["podium_traffic_weight_percent"].samples] == [5, 25]
    assert families["podium_decisions"].type == "counter"
    assert {each.value for each in families["podium_decisions"].samples} == {0}


def test_some_families_can_be_asked_for_by_name() -> None:
    metrics = Metrics()
    metrics.show(KEY, STATUS, TRAFFIC)
    names = ["podium_modeldeployment_info", "workqueue_depth"]
    found = text_string_to_metric_families(metrics.render(names).decode())
    assert sorted(each.name for each in found) == names


def test_the_evidence_of_a_trial_is_shown_and_goes_with_it() -> None:
    metrics = Metrics()
    metrics.show(KEY, STATUS.model_copy(update={"trial": trial(evidence=evidence(100, 3))}), TRAFFIC)
    assert 'podium_evidence_bad{measure="errors",name="churn",namespace="ml",side="challenger"} 3.0' in shown(metrics)
    metrics.show(KEY, STATUS, TRAFFIC)
    assert "podium_evidence_bad{" not in shown(metrics)


def test_the_series_of_what_is_gone_go_too() -> None:
    metrics = Metrics()
    metrics.show(KEY, STATUS, TRAFFIC)
    metrics.show(OTHER, STATUS, TRAFFIC)
    metrics.forget(KEY)
    assert metrics.known() == {OTHER}
    assert "churn" not in shown(metrics)
    assert "fraud" in shown(metrics)


def test_the_usual_names_of_controllers_are_there() -> None:
    metrics = Metrics()
    metrics.reconciled("success")
    metrics.reconciled("error")
    with metrics.reconciling():
        assert 'controller_runtime_active_workers{controller="modeldeployment"} 1.0' in shown(metrics)
    text = shown(metrics)
    for line in (
        'controller_runtime_reconcile_total{controller="modeldeployment",result="success"} 1.0',
        'controller_runtime_reconcile_errors_total{controller="modeldeployment"} 1.0',
        'controller_runtime_reconcile_time_seconds_count{controller="modeldeployment"} 1.0',
        'workqueue_depth{name="modeldeployment"} 0.0',
        'workqueue_adds_total{name="modeldeployment"} 0.0',
        'workqueue_retries_total{name="modeldeployment"} 0.0',
        'leader_election_master_status{name="podium"} 0.0',
    ):
        assert line in text


def test_a_former_leader_shows_no_rollout_any_more_and_keeps_what_it_counted() -> None:
    metrics = Metrics()
    metrics.show(KEY, STATUS, TRAFFIC)
    metrics.moved(KEY, MOVE, STATUS, STATUS)
    metrics.stop_showing()
    text = shown(metrics)
    assert "podium_modeldeployment_phase{" not in text
    assert "podium_traffic_weight_percent{" not in text
    assert "podium_transitions_total{" in text


def test_the_end_of_leadership_ends_the_gauges() -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        assert "podium_modeldeployment_phase{" in shown(operator.metrics)
    assert "podium_modeldeployment_phase{" not in shown(operator.metrics)


def test_a_guard_shows_its_verdict_and_how_far_it_is_from_both_others() -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        guards = [{"name": "errors", "errorRate": {"atMost": "1%"}}]
        world.apply(spec("2", rollout={"steps": [{"weight": 30, "duration": "5m"}], "guards": guards}))
        world.wait_for(Phase.CANARY)
        world.clients.rate = 100
        world.advance(10)
        text = shown(operator.metrics)
    which = f'guard="errors",{OF_STAGE}'
    assert value(text, f'podium_guard_verdict{{{which},verdict="Inconclusive"}}') == 1
    assert value(text, f'podium_guard_verdict{{{which},verdict="Failed"}}') == 0
    assert value(text, f"podium_guard_towards_failed_ratio{{{which}}}") < 0.5
    assert 0 < value(text, f"podium_guard_towards_passed_ratio{{{which}}}") < 1


def test_guards_that_cannot_be_explained_hide_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ArithmeticError("no such number")

    monkeypatch.setattr(rollout_metrics, "explained_guards", broken)
    metrics = Metrics()
    metrics.show(KEY, STATUS.model_copy(update={"trial": trial()}), TRAFFIC)
    text = shown(metrics)
    assert "podium_trial_step{" in text
    assert "podium_guard_verdict{" not in text
    assert "ml/churn: could not explain the guards" in caplog.text


def test_a_trial_shows_its_step_and_since_when_it_is() -> None:
    metrics = Metrics()
    status = STATUS.model_copy(update={"trial": trial(step=1), "phase_since": BEGAN + timedelta(minutes=5)})
    metrics.show(KEY, status, TRAFFIC)
    text, which = shown(metrics), '{name="churn",namespace="ml"}'
    assert value(text, f"podium_trial_step{which}") == 2
    assert value(text, f"podium_trial_steps{which}") == 2
    assert value(text, f"podium_trial_start_time_seconds{which}") == BEGAN.timestamp()
    assert value(text, f"podium_modeldeployment_phase_start_time_seconds{which}") == BEGAN.timestamp() + 300


def test_a_condition_shows_the_status_and_the_reason_that_it_has() -> None:
    metrics = Metrics()
    for reason in ("AliasChanged", "InSync"):
        status = "True" if reason == "InSync" else "False"
        found = Condition(
            type="RegistryInSync",
            status=status,
            reason=reason,
            message="",
            observed_generation=1,
            last_transition_time=BEGAN,
        )
        metrics.show(KEY, STATUS.model_copy(update={"conditions": [found]}), TRAFFIC)
    series = [line for line in shown(metrics).splitlines() if line.startswith("podium_modeldeployment_condition{")]
    labels = 'name="churn",namespace="ml",reason="InSync",status="True",type="RegistryInSync"'
    assert series == [f"podium_modeldeployment_condition{{{labels}}} 1.0"]


def test_outcomes_are_zero_before_the_first_one() -> None:
    metrics = Metrics()
    metrics.show(KEY, STATUS, TRAFFIC)
    for outcome in ("Promoted", "Rejected", "RolledBack"):
        assert value(shown(metrics), f'podium_decisions_total{{name="churn",namespace="ml",outcome="{outcome}"}}') == 0


def test_the_outcome_of_each_trial_is_counted_with_its_times() -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"))
        world.wait_for(Phase.CANARY)
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("3"))
        world.wait_for(Phase.SOAKING, requests=200)
        text = shown(operator.metrics)
    assert value(text, f'podium_decisions_total{{{OF_STAGE},outcome="Promoted"}}') == 2
    assert value(text, f'podium_decisions_total{{{OF_STAGE},outcome="RolledBack"}}') == 1
    assert value(text, f'podium_decisions_total{{{OF_STAGE},outcome="Rejected"}}') == 0
    assert value(text, f'podium_lead_time_seconds_count{{namespace="{STAGED.namespace}"}}') == 2
    lead, trials = (
        value(text, f'{name}_sum{{namespace="{STAGED.namespace}"{outcome}}}')
        for name, outcome in (
            ("podium_lead_time_seconds", ""),
            ("podium_trial_duration_seconds", ',outcome="Promoted"'),
        )
    )
    assert 5 <= trials <= lead < 60
    assert value(text, 'podium_phase_duration_seconds_count{phase="RollingBack"}') == 1
    labels = f'challenger="",champion="3",model="{MODEL}",{OF_STAGE}'
    assert value(text, f"podium_modeldeployment_info{{{labels}}}") == 1
