from datetime import UTC, datetime, timedelta

from podium.api.v1alpha1.evidence import Counts, Evidence, MeasureCounts
from podium.api.v1alpha1.status import Phase, Pinned, Status, Trial, Verdict
from podium.controller.metrics import Metrics
from podium.core.facts import Key, TrafficState
from podium.core.rollout.transitions import Move
from podium.core.rollout.trial_checks import challenger_ready
from tests.unit.controller.stage import Stage, spec

KEY, OTHER = Key("ml", "churn"), Key("ml", "fraud")
STATUS = Status(phase=Phase.CANARY, challenger=Pinned(version="7", digest="d", slot="b"))
TRAFFIC = TrafficState(desired={"a": 95, "b": 5}, current={"a": 75.0, "b": 25.0})


def shown(metrics: Metrics) -> str:
    return metrics.render().decode()


def test_where_a_rollout_stands_is_shown() -> None:
    metrics = Metrics()
    metrics.show(KEY, STATUS, TRAFFIC)
    text = shown(metrics)
    assert 'podium_modeldeployment_phase{name="churn",namespace="ml",phase="Canary"} 1.0' in text
    assert 'podium_modeldeployment_phase{name="churn",namespace="ml",phase="Stable"} 0.0' in text
    assert 'podium_traffic_weight_percent{kind="desired",name="churn",namespace="ml"} 5.0' in text
    assert 'podium_traffic_weight_percent{kind="current",name="churn",namespace="ml"} 25.0' in text


def test_the_evidence_of_a_trial_is_shown_and_goes_with_it() -> None:
    metrics = Metrics()
    evidence = Evidence(measures=[MeasureCounts(measure="errors", challenger=Counts(answers=100, bad=3))])
    trial = Trial(
        generation=1,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        terms_hash="",
        steps=[],
        guards=[],
        on_inconclusive="Wait",
        step_timeout=timedelta(hours=1),
        soak=timedelta(minutes=1),
        evidence=evidence,
    )
    metrics.show(KEY, STATUS.model_copy(update={"trial": trial}), TRAFFIC)
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
    metrics.moved(KEY, Move(Phase.STARTING, challenger_ready, Phase.CANARY, Verdict(reason="x", message="")))
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
