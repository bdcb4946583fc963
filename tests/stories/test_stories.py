"""Each story is one rollout, told as the log in golden/<name>.txt. `PODIUM_GOLDEN=write` writes them anew."""

import os
from collections.abc import Callable
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.core.facts import Key
from podium.errors import Unavailable
from podium.ports import WebhookVerdict
from podium.simulation.world.world import World
from podium.testing import JobBehaviour
from tests.stories.simulator import NO_POD, SECOND, Simulation, spec_of

GOLDEN = Path(__file__).parent / "golden"
MINUTE = timedelta(minutes=1)
QUICK = {"steps": [{"weight": 25, "duration": "10s"}, {"weight": 50, "duration": "10s"}], "soak": "1m"}
GATES = [{"name": "accurate", "metric": {"key": "auc", "atLeast": 0.75, "maxDropFromChampion": 0.01}}]
Story = Callable[[], World]


def serving(rollout: dict[str, object] | None = None, replicas: int | None = None, **options: object) -> Simulation:
    """Version 1 is champion and settled."""
    parts: dict[str, object] = {"serving": {"replicas": replicas}} if replicas else {}
    spec = spec_of("1", rollout=rollout or QUICK, gates=GATES, **parts)
    sim = Simulation(spec, **options)  # type: ignore[arg-type]
    sim.register("1")
    sim.reach(Phase.STABLE)
    sim.run(3 * SECOND)
    return sim


def wants(sim: Simulation, version: str, rollout: dict[str, object] | None = None, **parts: object) -> None:
    parts = {"rollout": rollout or QUICK, "gates": GATES, **parts}
    sim.commit(spec_of(version, **parts), f"version {version}")


def good() -> Simulation:
    sim = serving()
    sim.register("2", metrics={"auc": 0.92})
    wants(sim, "2")
    sim.settle("2")
    sim.run(MINUTE)
    return sim


def bad() -> Simulation:
    sim = serving()
    sim.register("2", bad_share=0.2)
    wants(sim, "2")
    sim.reach(Phase.REJECTED)
    sim.run(MINUTE)
    return sim


def bad_while_watched() -> Simulation:
    sim = serving()
    sim.register("2")
    wants(sim, "2")
    sim.reach(Phase.SOAKING)
    sim.note("version 2 turns bad")
    sim.behaviour("2").bad_share = 0.5
    sim.reach(Phase.REJECTED)
    return sim


def gate_fails() -> Simulation:
    sim = serving()
    sim.register("2", metrics={"auc": 0.6})
    wants(sim, "2")
    sim.reach(Phase.BLOCKED)
    sim.run(MINUTE)
    sim.note("auc of version 2 is logged again: 0.95")
    sim.registered("2").metrics = {"auc": 0.95}
    sim.settle("2")
    return sim


def crash_in_warm_up() -> Simulation:
    sim = serving()
    sim.register("2", crash_after=2.0, exit_code=4, message="cannot load the model")
    wants(sim, "2")
    sim.reach(Phase.REJECTED)
    return sim


def crash_in_canary() -> Simulation:
    sim = serving()
    sim.register("2", crash_after_answers=20, exit_code=139, message="segmentation fault")
    wants(sim, "2")
    sim.reach(Phase.REJECTED)
    return sim


def hangs_in_canary() -> Simulation:
    sim = serving()
    sim.register("2", crash_after_answers=20, exit_code=9, message="STALLED: a prediction has not returned for 120 s")
    wants(sim, "2")
    sim.reach(Phase.REJECTED)
    return sim


def never_ready() -> Simulation:
    sim = serving()
    sim.register("2", ready=False)
    wants(sim, "2", {**QUICK, "startupTimeout": "2m"})
    sim.reach(Phase.REJECTED)
    return sim


def wrong_identity() -> Simulation:
    sim = serving()
    sim.register("2", digest="sha256:" + "f" * 64)
    wants(sim, "2")
    sim.reach(Phase.REJECTED)
    assert "2" not in sim.clients.served
    return sim


def silence_holds() -> Simulation:
    sim = serving()
    sim.register("2")
    sim.note("nobody asks any more")
    sim.clients.rate = 0
    wants(sim, "2", {**QUICK, "stepTimeout": "5m"})
    sim.reach(Phase.CANARY)
    sim.run(10 * MINUTE)
    sim.note(f"message: {sim.status.message}")
    assert sim.status.phase is Phase.CANARY
    return sim


def silence_proceeds() -> Simulation:
    sim = serving()
    sim.register("2")
    sim.clients.rate = 0
    wants(sim, "2", {**QUICK, "stepTimeout": "5m", "onInconclusive": "Proceed"})
    sim.settle("2")
    return sim


def silence_rolls_back() -> Simulation:
    sim = serving()
    sim.register("2")
    sim.clients.rate = 0
    wants(sim, "2", {**QUICK, "stepTimeout": "5m", "onInconclusive": "RollBack"})
    sim.reach(Phase.REJECTED)
    return sim


def paused() -> Simulation:
    sim = serving()
    sim.register("2")
    wants(sim, "2")
    sim.reach(Phase.CANARY)
    sim.commit(spec_of("2", rollout=QUICK, gates=GATES, paused=True), "paused: true")
    sim.run(5 * MINUTE)
    sim.note(f"message: {sim.status.message}")
    assert sim.status.phase is Phase.CANARY
    sim.note("version 2 turns bad: a rollback is never held")
    sim.behaviour("2").bad_share = 0.5
    sim.until(lambda s: s.in_force().get("b", 0) == 0)
    sim.run(5 * SECOND)
    return sim


def paused_in_warm_up() -> Simulation:
    """A pause outlasts the time that a warm-up may take, and a pod that is evicted meanwhile has that time anew."""
    rollout: dict[str, object] = {**QUICK, "startupTimeout": "2m"}
    sim = serving(rollout)
    sim.register("2")
    wants(sim, "2", rollout)
    sim.reach(Phase.STARTING)
    sim.commit(spec_of("2", rollout=rollout, gates=GATES, paused=True), "paused: true")
    sim.run(5 * MINUTE)
    sim.evict("b")
    sim.run(MINUTE)
    assert sim.status.phase is Phase.STARTING
    sim.commit(spec_of("2", rollout=rollout, gates=GATES), "paused: false")
    sim.settle("2")
    return sim


def superseded() -> Simulation:
    sim = serving()
    sim.register("2")
    sim.register("3")
    wants(sim, "2")
    sim.reach(Phase.CANARY)
    sim.run(5 * SECOND)
    wants(sim, "3")
    sim.settle("3")
    return sim


def reverted_while_warm() -> Simulation:
    sim = serving()
    sim.register("2")
    wants(sim, "2")
    sim.reach(Phase.SOAKING)
    sim.run(5 * SECOND)
    wants(sim, "1")
    sim.settle("1")
    return sim


def reverted_later() -> Simulation:
    sim = good()
    sim.log.clear()
    wants(sim, "1")
    sim.reach(Phase.SOAKING)
    sim.settle("1")
    return sim


def rejected_and_applied_again() -> Simulation:
    sim = bad()
    sim.log.clear()
    wants(sim, "2")
    sim.run(2 * MINUTE)
    wants(sim, "1")
    sim.run(MINUTE)
    wants(sim, "2")
    sim.run(2 * MINUTE)
    assert sim.status.phase is Phase.REJECTED
    sim.note("version 2 was mended on the feature store's side")
    sim.behaviour("2").bad_share = 0
    wants(sim, "2", {**QUICK, "retry": "feature store mended"})
    sim.settle("2")
    return sim


def operator_restarted() -> Simulation:
    sim = serving()
    sim.register("2")
    wants(sim, "2")
    for phase in (Phase.GATING, Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING):
        sim.reach(phase, at_once=True)
        sim.restart()
    sim.settle("2")
    return sim


def terms_changed() -> Simulation:
    sim = serving()
    sim.register("2")
    wants(sim, "2")
    sim.reach(Phase.CANARY)
    wants(sim, "2", {**QUICK, "steps": [{"weight": 10, "duration": "5s"}]})
    sim.settle("2")
    return sim


def registry_down() -> Simulation:
    sim = serving()
    sim.register("2", bad_share=0.3)
    wants(sim, "2")
    sim.reach(Phase.CANARY)
    sim.note("MLflow stops")
    sim.registry.failure = Unavailable(
        "http://mlflow.ml:5000 does not answer: start it, or mend the URI", reason=reasons.REGISTRY_UNREACHABLE
    )
    sim.until(lambda s: s.in_force().get("b", 0) == 0 and s.status.phase is Phase.REJECTED)
    sim.run(MINUTE)
    sim.note("MLflow is back")
    sim.registry.failure = None
    sim.run(2 * MINUTE)
    assert sim.recorded("2") == "rejected"
    return sim


def first_version_crashes() -> Simulation:
    sim = Simulation(spec_of("1", rollout=QUICK))
    sim.register("1", crash_after=2.0, exit_code=4, message="cannot load the model")
    sim.reach(Phase.REJECTED)
    sim.register("2")
    wants(sim, "2", gates=[])
    sim.settle("2")
    return sim


def alias_moved_by_a_person() -> Simulation:
    sim = serving()
    sim.register("2")
    sim.note("somebody moves the alias champion to 2")
    sim.registry.point("churn", "champion", "2")
    sim.run(3 * MINUTE)
    assert sim.alias == "2"
    sim.note(f"RegistryInSync: {next(c.message for c in sim.status.conditions if c.type == 'RegistryInSync')}")
    return sim


def feature_store_down() -> Simulation:
    sim = serving(replicas=1)
    sim.register("2")
    wants(sim, "2", serving={"replicas": 1})
    sim.reach(Phase.CANARY)
    sim.run(3 * SECOND)
    sim.note("the feature store goes down: half of all answers fail, whoever gives them")
    sim.clients.outage = 0.5
    sim.until(lambda s: s.status.shared_outage is not None)
    sim.run(MINUTE)
    sim.note(f"message: {sim.status.message}")
    assert sim.status.rejected == []
    sim.note("the feature store is back")
    sim.clients.outage = 0.0
    sim.settle("2")
    return sim


def bad_during_an_outage_that_is_over() -> Simulation:
    sim = serving()
    sim.register("2")
    wants(sim, "2", {**QUICK, "steps": [{"weight": 25, "duration": "3m"}]})
    sim.reach(Phase.CANARY)
    sim.note("2 % of all answers fail for a while, too few to tell")
    sim.clients.outage = 0.02
    sim.run(2 * SECOND)
    sim.clients.outage = 0.0
    sim.run(MINUTE)
    sim.note("version 2 turns bad by itself")
    sim.behaviour("2").bad_share = 0.3
    sim.reach(Phase.REJECTED)
    return sim


def fails_always() -> Simulation:
    sim = serving()
    sim.register("2", bad_share=1.0)
    wants(sim, "2", {**QUICK, "guards": []})
    sim.reach(Phase.REJECTED)
    return sim


def worse_than_its_champion() -> Simulation:
    sim = serving()
    sim.register("2", bad_share=0.04)
    sim.behaviour("1").bad_share = 0.01
    guards = [{"name": "errors-vs-champion", "errorRate": {"maxAboveChampion": "0.5%"}}]
    wants(sim, "2", {**QUICK, "guards": guards})
    sim.reach(Phase.REJECTED)
    return sim


def slow() -> Simulation:
    sim = serving()
    sim.register("2", slow=0.2, cold=20)
    guards = [{"name": "quick", "latency": {"percentile": 95, "atMost": "120ms"}}]
    wants(sim, "2", {**QUICK, "guards": guards})
    sim.reach(Phase.REJECTED)
    return sim


def slow_only_while_it_is_cold() -> Simulation:
    sim = serving()
    sim.register("2", cold=20)
    guards = [
        {"name": "quick", "latency": {"percentile": 95, "atMost": "120ms"}},
        {"name": "as-quick", "latency": {"percentile": 95, "maxSlowerThanChampion": "5%"}},
    ]
    wants(sim, "2", {**QUICK, "guards": guards})
    sim.settle("2")
    return sim


def slower_than_its_champion() -> Simulation:
    sim = serving()
    sim.run(MINUTE)
    sim.register("2", slow=0.4)
    guards = [{"name": "as-quick", "latency": {"percentile": 95, "maxSlowerThanChampion": "5%"}}]
    wants(sim, "2", {**QUICK, "guards": guards})
    sim.reach(Phase.REJECTED)
    return sim


def answers_that_are_no_numbers() -> Simulation:
    sim = serving()
    sim.register("2", invalid=0.1)
    wants(sim, "2", {**QUICK, "guards": [{"name": "valid", "invalidOutput": {"atMost": "0.1%"}}]})
    sim.reach(Phase.REJECTED)
    return sim


def predictions_shift() -> Simulation:
    sim = serving()
    sim.run(MINUTE)
    sim.register("2", shift=0.3)
    wants(sim, "2", {**QUICK, "guards": [{"name": "drift", "predictionShift": {"maxShift": "10%"}}]})
    sim.reach(Phase.REJECTED)
    return sim


def predictions_stay() -> Simulation:
    sim = serving()
    sim.register("2", shift=0.02)
    wants(sim, "2", {**QUICK, "guards": [{"name": "drift", "predictionShift": {"maxShift": "20%"}}]})
    sim.settle("2")
    return sim


def drained_in_canary() -> Simulation:
    sim = serving()
    sim.register("2")
    wants(sim, "2", {**QUICK, "steps": [{"weight": 25, "duration": "30s"}]})
    sim.reach(Phase.CANARY)
    sim.run(3 * SECOND)
    sim.evict("b")
    sim.settle("2")
    return sim


def scaled_in_canary() -> Simulation:
    sim = serving()
    sim.register("2")
    wants(sim, "2", {**QUICK, "steps": [{"weight": 25, "duration": "30s"}, {"weight": 50, "duration": "10s"}]})
    sim.reach(Phase.CANARY)
    sim.run(3 * SECOND)
    sim.scale(4)
    sim.settle("2")
    return sim


def scaled_while_it_is_held_up() -> Simulation:
    sim = serving(replicas=1)
    sim.register("2")
    wants(sim, "2", serving={"replicas": 1})
    sim.reach(Phase.CANARY)
    sim.note("half of all answers fail, whoever gives them")
    sim.clients.outage = 0.5
    sim.until(lambda s: s.status.shared_outage is not None)
    sim.run(5 * SECOND)
    sim.scale(3)
    sim.run(MINUTE)
    sim.note(f"message: {sim.status.message}")
    assert sim.status.shared_outage is not None
    sim.note("what was wrong is over")
    sim.clients.outage = 0.0
    sim.settle("2")
    return sim


def unready_in_canary() -> Simulation:
    sim = serving()
    sim.register("2")
    wants(sim, "2", {**QUICK, "steps": [{"weight": 25, "duration": "30s"}]})
    sim.reach(Phase.CANARY)
    sim.run(3 * SECOND)
    sim.note("the pod of version 2 is not ready any more")
    sim.behaviour("2").ready = False
    sim.reach(Phase.REJECTED)
    return sim


def one_request_an_hour() -> Simulation:
    sim = serving()
    sim.register("2", bad_share=1.0)
    sim.clients.rate = 1 / 3600
    wants(sim, "2", {**QUICK, "steps": [{"weight": 50}], "stepTimeout": "720h"})
    sim.until(lambda s: s.status.suspected is not None, within=timedelta(hours=48))
    sim.reach(Phase.PENDING)
    assert sim.clients.served["2"] <= 4
    assert sim.status.rejected == []  # whose fault it is, the champion's answers say within stepTimeout
    return sim


def contested() -> World:
    sim = World()
    sim.register("1")
    sim.commit(spec_of("1", rollout=QUICK), key=Key("ml", "churn-eu"))
    sim.loop.run_for(10)
    sim.log.clear()
    sim.commit(spec_of("1", rollout=QUICK))
    sim.run(MINUTE)
    assert sim.status.champion is None
    sim.note(f"message: {sim.status.message}")
    return sim


def waits_for_approval() -> Simulation:
    sim = serving()
    sim.register("2", metrics={"auc": 0.9})
    hybrid = {"key": "auc", "autoAtLeast": 0.95, "refusedBelow": 0.8}
    gates = [*GATES, {"name": "signed-off", "approval": {"by": ["alice"], "metric": hybrid}}]
    wants(sim, "2", gates=gates)
    sim.run(5 * MINUTE)
    sim.note(f"message: {sim.status.message}")
    assert sim.status.phase is Phase.GATING
    wants(sim, "2", gates=gates, approvals=[{"version": "2", "by": "mallory"}])
    sim.run(MINUTE)
    sim.note(f"message: {sim.status.message}")
    wants(sim, "2", gates=gates, approvals=[{"version": "2", "by": "alice"}])
    sim.settle("2")
    return sim


SMOKE = [{"name": "accurate", "metric": {"key": "auc", "atLeast": 0.75}}, {"name": "smoke", "job": {"image": "checks"}}]


def job_fails() -> Simulation:
    sim = serving()
    sim.register("2")
    sim.jobs.behaviours["smoke"] = JobBehaviour(takes=inf)
    wants(sim, "2", gates=SMOKE)
    sim.run(30 * SECOND)
    sim.note(f"message: {sim.status.message}")
    sim.note("the job fails")
    sim.jobs.behaviours["smoke"] = JobBehaviour(exit_code=1, message="3 of 20 cases are wrong")
    sim.reach(Phase.BLOCKED)
    sim.jobs.expire()
    sim.note("the job is old, and has been removed")
    sim.restart()
    sim.run(10 * MINUTE)
    assert sim.status.phase is Phase.BLOCKED
    sim.jobs.behaviours["smoke"] = JobBehaviour(takes=inf)
    wants(sim, "2", {**QUICK, "retry": "cases mended"}, gates=SMOKE)
    sim.run(30 * SECOND)
    sim.note("the job succeeds")
    sim.jobs.behaviours["smoke"] = JobBehaviour()
    sim.settle("2")
    return sim


def webhook_is_silent() -> Simulation:
    sim = serving()
    sim.register("2", metrics={"auc": 0.9})
    review = [*GATES, {"name": "review", "webhook": {"url": "http://review.ml:8080"}}]
    wants(sim, "2", gates=review)
    sim.run(5 * SECOND)
    sim.run(MINUTE)
    sim.note(f"message: {sim.status.message}")
    assert sim.status.phase is Phase.GATING
    sim.note("the service answers: reviewed by the risk board")
    sim.webhooks.verdicts["http://review.ml:8080"] = WebhookVerdict(True, "reviewed by the risk board")
    sim.settle("2")
    return sim


def withdrawn_while_it_waits() -> Simulation:
    """EvidenceTimeout stands in nobody's way: Git goes back, and the champion serves on."""
    sim = serving()
    sim.register("2")
    wants(sim, "2", gates=[{"name": "review", "webhook": {"url": "http://review.ml:8080"}}])
    sim.run(MINUTE)
    wants(sim, "1", gates=[{"name": "review", "webhook": {"url": "http://review.ml:8080"}}])
    sim.reach(Phase.STABLE)
    assert sim.champion() == "1"
    return sim


def too_young() -> Simulation:
    sim = serving()
    sim.register("2", created=sim.now)
    wants(sim, "2", gates=[{"name": "slept-on", "age": {"atLeast": "10m"}}])
    sim.run(MINUTE)
    sim.note(f"message: {sim.status.message}")
    sim.settle("2")
    return sim


GATEWAY: dict[str, Any] = {"serving": {"replicas": 4}, "traffic": {"gateway": {"name": "public", "namespace": "infra"}}}


def behind_a_gateway() -> Simulation:
    sim = Simulation(spec_of("1", rollout=QUICK, gates=GATES, **GATEWAY))
    sim.register("1")
    sim.settle("1")
    return sim


def gateway_good() -> Simulation:
    """Shares are exact, so the challenger has as many pods as its share needs."""
    sim = behind_a_gateway()
    sim.register("2", metrics={"auc": 0.92})
    wants(sim, "2", **GATEWAY)
    sim.settle("2")
    sim.run(MINUTE)
    assert NO_POD not in sim.clients.failed
    return sim


def previewed() -> Simulation:
    """They reach the challenger before anybody else, for as long as they have it, and a pause gives them longer."""
    preview = {**GATEWAY["traffic"], "preview": {"header": "x-podium-preview", "duration": "2m"}}
    sim = Simulation(spec_of("1", rollout=QUICK, gates=GATES, **{**GATEWAY, "traffic": preview}))
    sim.register("1")
    sim.settle("1")
    sim.clients.testers = True
    sim.register("2", metrics={"auc": 0.92})
    wants(sim, "2", **{**GATEWAY, "traffic": preview})
    sim.run(MINUTE)
    sim.note(f"message: {sim.status.message}")
    assert sim.clients.tested["2"] > 200
    assert "2" not in sim.clients.served
    parts: dict[str, Any] = {**GATEWAY, "rollout": QUICK, "gates": GATES, "traffic": preview}
    sim.commit(spec_of("2", **parts, paused=True), "paused: true")
    sim.run(2 * MINUTE)
    sim.note(f"message: {sim.status.message}")
    assert "2" not in sim.clients.served
    sim.commit(spec_of("2", **parts), "paused: false")
    sim.reach(Phase.SOAKING)
    sim.settle("2")
    assert sim.overrides.preview is None
    assert NO_POD not in sim.clients.tested
    return sim


def previewed_and_bad() -> Simulation:
    """A rollback takes the challenger from testers too, together with the weight."""
    preview = {**GATEWAY["traffic"], "preview": {"header": "x-podium-preview"}}
    sim = behind_a_gateway()
    sim.clients.testers = True
    sim.register("2", bad_share=0.5)
    wants(sim, "2", **{**GATEWAY, "traffic": preview})
    sim.reach(Phase.REJECTED)
    sim.run(MINUTE)
    assert sim.overrides.preview is None
    return sim


def users_stay() -> Simulation:
    """The route knows the weights that there were, and nothing of them once everybody is on one side."""
    traffic = {**GATEWAY["traffic"], "sessionAffinity": {"cookieName": "podium"}}
    sim = behind_a_gateway()
    sim.register("2", metrics={"auc": 0.92})
    wants(sim, "2", **{**GATEWAY, "traffic": traffic})
    sim.settle("2")
    sim.register("3", bad_share=0.2, metrics={"auc": 0.92})
    wants(sim, "3", **{**GATEWAY, "traffic": traffic})
    sim.reach(Phase.REJECTED)
    assert sim.overrides.session_affinity is None
    return sim


def gateway_stopped() -> Simulation:
    """The weight goes back at once; the pods stay until the gateway has taken the traffic away from them."""
    sim = behind_a_gateway()
    sim.register("2", bad_share=0.2)
    wants(sim, "2", **GATEWAY)
    sim.until(lambda s: s.taken == {"a": 75, "b": 25})
    sim.stop_gateway()
    sim.until(lambda s: s.weights == {"a": 100, "b": 0})
    sim.run(2 * MINUTE)  # longer than a version that goes on answering is waited for, once it has lost its weight
    sim.note(f"message: {sim.status.message}")
    sim.start_gateway()
    started = sim.now
    sim.reach(Phase.REJECTED)
    assert sim.now - started >= sim.spec.serving.drain
    sim.run(MINUTE)
    assert NO_POD not in sim.clients.failed
    return sim


def gateway_evicted() -> Simulation:
    """A challenger without a ready pod gets nothing, and goes on once its new pods are there."""
    sim = behind_a_gateway()
    sim.register("2", metrics={"auc": 0.92})
    wants(sim, "2", **GATEWAY)
    sim.until(lambda s: s.taken == {"a": 75, "b": 25})
    sim.evict("b")
    sim.settle("2")
    return sim


def registry_moves() -> Simulation:
    """The pods that serve stay as they are until those that load from the new host have passed the same trial."""
    sim, other = serving(), "http://mlflow.other:5000"
    sim.note("PODIUM_REGISTRY_URI names another host")
    sim.move_registry(other)
    sim.until(
        lambda s: s.status.phase is Phase.STABLE and bool(s.status.champion and s.status.champion.registry == other)
    )
    return sim


STORIES: list[Story] = [
    good, bad, bad_while_watched, gate_fails, crash_in_warm_up, crash_in_canary, hangs_in_canary,
    never_ready, wrong_identity,
    silence_holds, silence_proceeds, silence_rolls_back, paused, paused_in_warm_up, superseded, reverted_while_warm,
    reverted_later, rejected_and_applied_again, operator_restarted, terms_changed, registry_down,
    first_version_crashes, alias_moved_by_a_person, contested, feature_store_down,
    bad_during_an_outage_that_is_over, fails_always, worse_than_its_champion, slow, slow_only_while_it_is_cold,
    slower_than_its_champion, answers_that_are_no_numbers, predictions_shift, predictions_stay, drained_in_canary,
    unready_in_canary, one_request_an_hour, waits_for_approval, job_fails, webhook_is_silent,
    withdrawn_while_it_waits, too_young, gateway_good, gateway_stopped, gateway_evicted,
    scaled_in_canary, scaled_while_it_is_held_up,
    previewed, previewed_and_bad, users_stay, registry_moves,
]  # fmt: skip


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_story_goes_as_told(story: Story) -> None:
    sim = story()
    told = "\n".join([*sim.log, "", f"message: {sim.status.message}", *_served(sim)]) + "\n"
    golden = GOLDEN / f"{story.__name__}.txt"
    if os.environ.get("PODIUM_GOLDEN") == "write":
        golden.write_text(told)
    assert told == golden.read_text()


def _served(sim: World) -> list[str]:
    return [
        f"version {version}: {count} answers, {sim.clients.failed.get(version, 0)} bad"
        for version, count in sorted(sim.clients.served.items())
    ]


def test_every_story_is_told_once() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {story.__name__ for story in STORIES}
