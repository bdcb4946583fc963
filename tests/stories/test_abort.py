"""A person aborts a version: it loses its traffic at once, is not blamed, and stays out for as long as Git says so."""

from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import HistoryEntry, Phase
from podium.core.status.readiness import condition_of
from tests.stories import simulator
from tests.stories.simulator import NO_POD, SECOND, Simulation, holds, spec_of

QUICK: dict[str, Any] = {"steps": [{"weight": 25, "duration": "10s"}, {"weight": 50, "duration": "10s"}], "soak": "1m"}
ABORT = {"version": "2", "by": "alice", "reason": "the price list was wrong"}
SAID = "version 2 is aborted by alice: the price list was wrong"
GATED: dict[str, Any] = {
    "gates": [{"name": "signed-off", "approval": {"by": ["alice"]}}],
    "approvals": [{"version": "1", "by": "alice"}],
}
LOUD = {"env": [{"name": "LEVEL", "value": "debug"}]}


def spec(version: str, abort: dict[str, Any] | None = None, **parts: Any) -> Any:
    rollout = {**QUICK, **({"abort": abort} if abort else {}), **parts.pop("rollout", {})}
    return spec_of(version, rollout=rollout, **parts)


def serving(**parts: Any) -> Simulation:
    """Version 1 is champion, and version 2 is registered."""
    sim = Simulation(spec("1", **parts))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    return sim


def tried(phase: Phase, **parts: Any) -> Simulation:
    return simulator.tried(phase, rollout={**QUICK, **parts.pop("rollout", {})}, **parts)


def entries(sim: Simulation, version: str = "2") -> list[HistoryEntry]:
    return [entry for entry in sim.status.history if entry.version == version]


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING])
def test_an_aborted_version_loses_its_traffic_at_once_and_is_not_rejected(phase: Phase) -> None:
    sim = tried(phase)
    began = sim.now
    sim.commit(spec("2", ABORT), "abort 2")
    sim.until(lambda s: s.weights == {"a": 100, "b": 0})
    assert sim.now - began <= 2 * SECOND
    sim.reach(Phase.ABORTED)
    assert sim.champion() == "1"
    assert sim.status.rejected == []
    assert not sim.ready_pods("b")
    assert NO_POD not in sim.clients.failed
    last = entries(sim)[-1]
    assert (last.outcome, last.reason, last.message) == ("Aborted", reasons.ABORTED, SAID)
    assert any("RollingBack" in line and SAID in line for line in sim.log), "an Event tells who and why"


def test_it_stays_out_while_git_names_it_through_restarts_and_other_changes() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", ABORT), "abort 2")
    sim.reach(Phase.ABORTED)
    sim.restart()
    sim.run(60 * SECOND)
    sim.commit(spec("2", ABORT, rollout={"retry": "once more"}), "retry")
    sim.run(120 * SECOND)
    sim.commit(spec("2", ABORT, rollout={"steps": [{"weight": 10}]}), "other steps")
    sim.run(120 * SECOND)
    assert sim.status.phase is Phase.ABORTED
    assert len(entries(sim)) == 1
    assert sim.status.message == (
        f"{SAID}; champion 1 serves; remove spec.rollout.abort to try it again, or name another version"
    )
    writes = sim.writes
    sim.run(3600 * SECOND)
    assert sim.writes == writes, "at rest nothing is written"


def test_tools_see_that_a_person_has_to_act() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", ABORT), "abort 2")
    sim.reach(Phase.ABORTED)
    sim.run(SECOND)
    assert holds("Stalled", sim.status, sim.md().generation)
    for kind in ("Ready", "Stalled"):
        condition = condition_of(sim.status, kind)
        assert condition is not None
        assert condition.reason == reasons.ABORTED
        assert SAID in condition.message


def test_the_registry_records_who_aborted_it_and_why() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", ABORT), "abort 2")
    sim.reach(Phase.ABORTED)
    sim.run(90 * SECOND)
    assert (sim.recorded("2"), sim.recorded("2", "message")) == ("aborted", SAID)


def test_without_the_field_it_is_tried_again_from_its_gates_on() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", ABORT), "abort 2")
    sim.reach(Phase.ABORTED)
    sim.commit(spec("2"), "no abort")
    sim.settle("2")
    assert [entry.outcome for entry in entries(sim)] == ["Aborted", "Promoted"]


def test_a_field_left_over_does_nothing_to_another_version() -> None:
    sim = tried(Phase.CANARY)
    sim.register("3")
    sim.commit(spec("2", ABORT), "abort 2")
    sim.reach(Phase.ABORTED)
    sim.commit(spec("3", ABORT), "version 3")
    sim.settle("3")
    sim.commit(spec("1", ABORT), "back to version 1")
    sim.settle("1")
    sim.commit(spec("2", ABORT), "version 2, which is aborted still")
    sim.reach(Phase.ABORTED)
    assert len(entries(sim)) == 1


def test_a_champion_is_not_aborted() -> None:
    sim = serving()
    sim.commit(spec("2"), "version 2")
    sim.settle("2")
    sim.commit(spec("2", ABORT), "abort 2")
    sim.run(120 * SECOND)
    assert (sim.status.phase, sim.champion()) == (Phase.STABLE, "2")


def test_an_abort_of_another_model_says_nothing() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", {**ABORT, "model": "fraud"}), "abort 2 of fraud")
    sim.settle("2")


def test_an_abort_that_comes_with_the_version_starts_no_pod() -> None:
    sim = serving()
    sim.commit(spec("2", ABORT), "version 2, aborted")
    sim.reach(Phase.ABORTED)
    sim.run(120 * SECOND)
    assert "2" not in sim.clients.served
    assert entries(sim) == [], "there was no trial to be written down"


def test_a_version_that_waits_for_a_gate_can_be_aborted() -> None:
    sim = serving(**GATED)
    sim.commit(spec("2", **GATED), "version 2")
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.GATING
    sim.commit(spec("2", ABORT, **GATED), "abort 2")
    sim.reach(Phase.ABORTED)
    assert [entry.outcome for entry in entries(sim)] == ["Aborted"]


def test_a_pause_holds_no_abort() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", paused=True), "paused")
    sim.run(5 * SECOND)
    sim.commit(spec("2", ABORT, paused=True), "abort 2")
    sim.reach(Phase.ABORTED)


def test_a_rejected_version_stays_rejected() -> None:
    sim = serving()
    sim.behaviour("2").bad_share = 0.5
    sim.commit(spec("2"), "version 2")
    sim.reach(Phase.REJECTED)
    sim.commit(spec("2", ABORT), "abort 2")
    sim.run(120 * SECOND)
    assert sim.status.phase is Phase.REJECTED
    sim.commit(spec("2", ABORT, rollout={"retry": "mended"}), "retry, and aborted still")
    sim.reach(Phase.ABORTED)


def test_a_former_champion_whose_return_is_aborted_is_trusted_as_before() -> None:
    sim = serving()
    sim.commit(spec("2"), "version 2")
    sim.settle("2")
    sim.commit(spec("1"), "back to version 1")
    sim.reach(Phase.STARTING, at_once=True)
    sim.commit(spec("1", {"version": "1"}), "abort 1")
    sim.reach(Phase.ABORTED)
    sim.commit(spec("1"), "no abort")
    sim.settle("1")
    assert not any("Canary" in line for line in sim.log[-10:])


def test_the_only_version_that_answers_is_kept() -> None:
    sim = Simulation(spec("1"))
    sim.register("1")
    sim.reach(Phase.PROMOTING, at_once=True)
    sim.until(lambda s: s.weights.get("a") == 100)
    sim.commit(spec("1", {"version": "1"}, paused=True), "abort 1, paused")
    sim.run(30 * SECOND)
    assert sim.weights["a"] == 100
    assert "spec.rollout.abort does nothing yet: no other version than 1 can answer" in sim.status.message


def test_a_template_on_trial_is_aborted_by_its_revision_and_another_one_is_tried() -> None:
    sim = serving()
    sim.commit(spec("1", serving=LOUD), "debug")
    sim.reach(Phase.CANARY)
    challenger = sim.status.challenger
    assert challenger is not None
    assert challenger.template is not None
    abort = {"version": "1", "template": challenger.template.revision, "by": "alice"}
    sim.commit(spec("1", {"version": "1"}, serving=LOUD), "abort 1, which says nothing of templates")
    sim.run(3 * SECOND)
    assert sim.status.phase is Phase.CANARY
    sim.commit(spec("1", abort, serving=LOUD), "abort the template")
    sim.reach(Phase.STABLE)
    sim.run(120 * SECOND)
    assert sim.weights == {"a": 100, "b": 0}
    found = condition_of(sim.status, "TemplateInSync")
    assert found is not None
    assert found.reason == reasons.ABORTED
    assert holds("Stalled", sim.status, sim.md().generation)
    sim.commit(spec("1", abort, serving={"env": [{"name": "LEVEL", "value": "info"}]}), "info")
    sim.reach(Phase.CANARY)
