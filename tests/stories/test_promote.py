"""A person lets a version skip a step, or all that are left: never over a Failed guard, and never past its gates."""

from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.api.v1alpha1.values.base import format_time
from tests.stories import simulator
from tests.stories.simulator import NO_POD, SECOND, Simulation, spec_of

SLOW: dict[str, Any] = {
    "steps": [{"weight": 10, "duration": "1h"}, {"weight": 25, "duration": "1h"}, {"weight": 50, "duration": "1h"}],
    "soak": "1m",
}
SIZE: dict[str, Any] = {"serving": {"replicas": 3}}
GATED: dict[str, Any] = {
    "gates": [{"name": "signed-off", "approval": {"by": ["alice"]}}],
    "approvals": [{"version": "1", "by": "alice"}],
}
FULL = {"version": "2", "full": True, "by": "alice", "reason": "seen enough"}
ONE = {"version": "2", "skipSteps": 1, "by": "alice"}
PREVIEW = {"gateway": {"name": "public"}, "preview": {"header": "x-podium-preview", "duration": "1h"}}


def spec(version: str, promote: dict[str, Any] | None = None, **parts: Any) -> Spec:
    rollout = {**SLOW, **({"promote": promote} if promote else {}), **parts.pop("rollout", {})}
    return spec_of(version, rollout=rollout, **{**SIZE, **parts})


def tried(phase: Phase, **parts: Any) -> Simulation:
    """Version 1 is champion, and version 2 has come to this phase a few seconds ago."""
    sim = simulator.tried(phase, rollout={**SLOW, **parts.pop("rollout", {})}, **{**SIZE, **parts})
    sim.run(4 * SECOND)
    return sim


def step(sim: Simulation) -> int:
    assert sim.status.trial is not None
    return sim.status.trial.step + 1


def test_one_step_is_skipped_and_the_next_one_takes_its_time() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", ONE), "skip a step")
    sim.run(60 * SECOND)
    assert (sim.status.phase, step(sim)) == (Phase.CANARY, 2)
    sim.commit(spec("2", {**ONE, "skipSteps": 2}), "skip another one")
    sim.run(60 * SECOND)
    assert (sim.status.phase, step(sim)) == (Phase.CANARY, 3)
    sim.commit(spec("2", {**ONE, "skipSteps": 3}), "skip the last one")
    sim.settle("2")
    assert NO_POD not in sim.clients.failed


def test_full_skips_all_that_is_left_and_the_soak_stays() -> None:
    sim = tried(Phase.CANARY)
    began = sim.now
    sim.commit(spec("2", FULL), "promote 2")
    sim.reach(Phase.SOAKING)
    assert sim.now - began < 30 * SECOND
    assert sim.status.former is not None
    assert NO_POD not in sim.clients.failed


def test_the_record_says_what_was_skipped_by_whom_and_why() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", ONE), "skip a step")
    sim.run(20 * SECOND)
    sim.commit(spec("2", FULL), "promote 2")
    sim.settle("2")
    promoted = sim.status.history[-1]
    assert (promoted.outcome, promoted.reason) == ("Promoted", reasons.PROMOTED)
    assert promoted.message.endswith("; steps 1, 2, 3 skipped by alice: seen enough")
    assert sim.recorded("2", "message") == promoted.message
    assert any("step 1 of 3 is skipped by alice; 25 % is next" in line for line in sim.log)
    assert any("steps 2 to 3 of 3 are skipped by alice: seen enough" in line for line in sim.log)


@pytest.mark.parametrize("promote", [ONE, FULL], ids=["one step", "full"])
def test_a_failed_guard_is_never_skipped(promote: dict[str, Any]) -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", paused=True), "paused")
    sim.behaviour("2").bad_share = 0.5
    sim.commit(spec("2", promote), "promote 2")
    sim.reach(Phase.REJECTED)
    assert sim.champion() == "1"


def test_a_version_that_turns_bad_after_its_promotion_is_taken_back() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", FULL), "promote 2")
    sim.reach(Phase.SOAKING)
    sim.behaviour("2").bad_share = 0.5
    sim.reach(Phase.REJECTED)
    assert sim.champion() == "1"


def test_no_gate_is_skipped() -> None:
    sim = Simulation(spec("1", **GATED))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.commit(spec("2", FULL, **GATED), "version 2, promoted")
    sim.run(600 * SECOND)
    assert sim.status.phase is Phase.GATING
    assert "2" not in sim.clients.served


def test_a_word_in_advance_waits_for_ready_pods() -> None:
    sim = Simulation(spec("1"))
    sim.register("1")
    sim.settle("1")
    sim.register("2", ready=False)
    sim.commit(spec("2", FULL), "version 2, promoted")
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.STARTING
    sim.behaviour("2").ready = True
    sim.settle("2")
    assert NO_POD not in sim.clients.failed


def test_a_pause_holds_a_promotion_until_it_ends() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", FULL, paused=True), "promote 2, paused")
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.CANARY
    sim.commit(spec("2", FULL), "no pause")
    sim.settle("2")


def test_a_field_left_over_does_nothing_to_another_version() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", FULL), "promote 2")
    sim.settle("2")
    sim.register("3")
    sim.commit(spec("3", FULL), "version 3")
    sim.reach(Phase.CANARY)
    sim.run(60 * SECOND)
    assert (sim.status.phase, step(sim)) == (Phase.CANARY, 1)


def test_one_that_names_its_trial_says_nothing_of_the_next_trial() -> None:
    sim = tried(Phase.CANARY)
    assert sim.status.trial is not None
    named = {**FULL, "skipSteps": 1, "trialStartedAt": format_time(sim.status.trial.started_at)}
    del named["full"]
    sim.commit(spec("2", named), "skip a step")
    sim.run(20 * SECOND)
    assert step(sim) == 2
    again = {"steps": [{"weight": 20, "duration": "1h"}, {"weight": 50}]}
    sim.commit(spec("2", named, rollout=again), "other steps: the trial restarts")
    sim.run(60 * SECOND)
    assert (sim.status.phase, step(sim)) == (Phase.CANARY, 1)


def test_a_templates_trial_skips_only_what_is_said_of_it() -> None:
    loud = {**SIZE["serving"], "env": [{"name": "LEVEL", "value": "debug"}]}
    sim = Simulation(spec("1"))
    sim.register("1")
    sim.settle("1")
    promote = {"version": "1", "full": True}
    sim.commit(spec("1", promote, serving=loud), "debug, and a word on version 1")
    sim.reach(Phase.CANARY, at_once=True)
    sim.run(60 * SECOND)
    assert (sim.status.phase, step(sim)) == (Phase.CANARY, 1)
    assert sim.status.trial is not None
    named = {**promote, "trialStartedAt": format_time(sim.status.trial.started_at)}
    sim.commit(spec("1", named, serving=loud), "a word on this trial")
    sim.settle("1")


def test_the_testers_time_is_skipped_by_itself_or_with_all_else() -> None:
    sim = tried(Phase.STARTING, traffic=PREVIEW)
    sim.commit(spec("2", {"version": "2", "skipSteps": 0}, traffic=PREVIEW), "testers are done")
    sim.reach(Phase.CANARY, at_once=True)
    sim.run(60 * SECOND)
    assert (sim.status.phase, step(sim)) == (Phase.CANARY, 1)
    assert any("the testers' time is skipped; moving traffic to it: 10 %" in line for line in sim.log)
    sim.commit(spec("2", FULL, traffic=PREVIEW), "promote 2")
    sim.settle("2")
    assert "the testers' time and steps 1, 2, 3 skipped by alice: seen enough" in sim.status.history[-1].message


def test_an_abort_outweighs_a_promotion() -> None:
    sim = tried(Phase.CANARY)
    sim.commit(spec("2", FULL, rollout={"abort": {"version": "2"}}), "both")
    sim.reach(Phase.ABORTED)
