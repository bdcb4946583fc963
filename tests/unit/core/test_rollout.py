"""The table: complete, reachable, drawn in the docs as it is, and never held back from a rollback."""

from pathlib import Path

from podium.api.v1alpha1.status import Phase
from podium.core.decide import REQUEUE_AFTER
from podium.core.rollout.lifecycle import VERBS
from podium.core.rollout.transitions import PROGRESS, TRANSITIONS
from podium.core.status.messages import MESSAGES
from podium.core.traffic.phase_targets import PHASE_TARGETS, Size, Traffic
from tests.stories.simulator import Simulation, spec_of
from tests.unit.core.drawing import drawn

DOC = Path(__file__).parents[3] / "docs" / "state-machine.md"


def test_every_phase_has_a_row_in_every_table() -> None:
    for table in (TRANSITIONS, PHASE_TARGETS, VERBS, MESSAGES, REQUEUE_AFTER):
        assert set(table) == set(Phase)


def test_every_phase_can_be_reached_and_left() -> None:
    reached = {target for row in TRANSITIONS.values() for target in row.values()} | {Phase.PENDING}
    assert reached == set(Phase)
    assert all(TRANSITIONS.values())


def test_pausing_never_holds_a_rollback() -> None:
    held = {target for row in TRANSITIONS.values() for check, target in row.items() if check in PROGRESS}
    assert not held & {Phase.ROLLING_BACK, Phase.REJECTED, Phase.PENDING}


def test_whatever_takes_traffic_back_is_asked_before_whatever_leads_on() -> None:
    """But for silence, which is asked once nothing else has spoken."""
    for row in TRANSITIONS.values():
        order = [
            target is not Phase.ROLLING_BACK for check, target in row.items() if check.__name__ != "evidence_timeout"
        ]
        assert order == sorted(order)


def test_where_the_challenger_gets_traffic_it_runs_and_where_it_does_not_run_it_gets_none() -> None:
    for target in PHASE_TARGETS.values():
        if target.traffic is not Traffic.CHAMPION:
            assert target.challenger is not Size.NONE or target.arms


def test_the_docs_draw_the_table_as_it_is() -> None:
    assert drawn() in DOC.read_text(), "run: python -m tests.unit.core.drawing"


def test_a_first_version_waits_for_all_its_pods_and_is_never_tried_beside_nobody() -> None:
    sim = Simulation(spec_of("1", serving={"replicas": 3}))
    sim.register("1")
    sim.settle("1")
    assert not any("Canary" in line for line in sim.log)
