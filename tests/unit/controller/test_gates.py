"""Gates that ask outside, with a whole operator on fakes in virtual time."""

from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase, Pinned
from podium.controller.workers.webhooks import WebhookWorker
from podium.core.actions import CallWebhook
from podium.errors import Rejected, Unavailable
from podium.ports import WebhookVerdict
from podium.testing import Behaviour, JobBehaviour
from tests.unit.controller.stage import KEY, URI, Stage, spec

REVIEW = "http://review.ml:8080"
JOB = {"name": "smoke", "job": {"image": "checks"}}
HOOK = {"name": "review", "webhook": {"url": REVIEW}}
SIGNED = {"name": "review", "webhook": {"url": REVIEW, "secretName": "board"}}


def gated(*gates: dict[str, Any], version: str = "1", **parts: Any) -> dict[str, Any]:
    return spec(version, gates=list(gates), **parts)


def test_a_job_and_a_service_are_asked_once_each_and_their_word_opens_the_gates() -> None:
    world = Stage()
    world.jobs.behaviours["smoke"] = JobBehaviour(takes=30)
    with world.operator():
        world.apply(gated(JOB, HOOK))
        status = world.wait_for(Phase.GATING)
        world.advance(20)
        assert "gate smoke: job has not finished" in world.status.message
        assert status.champion is None
        status = world.wait_for(Phase.STABLE)
    assert [(gate.name, gate.state) for gate in status.gates] == [("smoke", "Passed"), ("review", "Passed")]
    assert len(world.jobs.started) == 1
    (call,) = world.webhooks.calls
    assert (call.url, call.gate, call.model, call.registry_uri) == (REVIEW, "review", "churn", URI)
    assert (call.challenger.version, call.champion, call.authorization) == ("1", None, None)


def test_a_failed_job_blocks_and_stays_an_answer_after_it_is_gone_and_after_a_restart() -> None:
    world = Stage()
    world.jobs.behaviours["smoke"] = JobBehaviour(exit_code=1, message="3 cases are wrong")
    with world.operator():
        world.apply(gated(JOB))
        status = world.wait_for(Phase.BLOCKED)
        assert "gate smoke: job failed: exit code 1: 3 cases are wrong" in status.message
    world.jobs.expire()
    with world.operator():
        world.advance(3600)
    assert world.status.phase is Phase.BLOCKED
    assert len(world.jobs.started) == 1


def test_a_silent_service_holds_the_gate_and_is_asked_again_ever_more_slowly() -> None:
    world = Stage()
    world.webhooks.verdicts[REVIEW] = Unavailable(f"{REVIEW} does not answer: Connection refused")
    with world.operator():
        world.apply(gated(HOOK))
        world.wait_for(Phase.GATING)
        world.advance(600)
        status = world.status
        assert status.phase is Phase.GATING
        assert "gate review: no verdict yet; expected 200 with" in status.message
        assert 10 < len(world.webhooks.calls) < 25
        assert len({call.id for call in world.webhooks.calls}) == 1, "a receiver can tell a repeat"
        world.webhooks.verdicts[REVIEW] = WebhookVerdict(True, "fine")
        world.wait_for(Phase.STABLE)


@pytest.mark.parametrize(("verdict", "words"), [(WebhookVerdict(False, "no model card"), "no model card")])
def test_a_refusal_blocks_with_the_services_own_words(verdict: WebhookVerdict, words: str) -> None:
    world = Stage()
    world.webhooks.verdicts[REVIEW] = verdict
    with world.operator():
        world.apply(gated(HOOK))
        status = world.wait_for(Phase.BLOCKED)
        world.advance(3600)
    assert words in status.message
    assert len(world.webhooks.calls) == 1


def test_an_answer_that_is_no_verdict_is_no_refusal() -> None:
    world = Stage()
    world.webhooks.verdicts[REVIEW] = Rejected(f"{REVIEW} answered 500")
    with world.operator():
        world.apply(gated(HOOK))
        world.wait_for(Phase.GATING)
        world.advance(60)
        assert world.status.phase is Phase.GATING


def test_at_a_silent_service_the_status_is_not_written_over_and_over() -> None:
    world = Stage()
    world.webhooks.verdicts[REVIEW] = Unavailable("silent")
    with world.operator():
        world.apply(gated(HOOK))
        world.wait_for(Phase.GATING)
        world.advance(10)
        before = len(world.cluster.writes)
        world.advance(600)
        assert len(world.cluster.writes) == before


def test_the_secrets_header_is_sent_and_a_missing_one_is_said() -> None:
    world = Stage()
    with world.operator():
        world.apply(gated(SIGNED))
        world.wait_for(Phase.GATING)
        world.advance(10)
        assert "Secret ml/board (webhook.secretName of gate review) not found" in world.status.message
        assert world.webhooks.calls == []
        world.cluster.secrets["ml", "board"] = {"authorization": "Bearer x\n", "other": "y"}
        world.wait_for(Phase.STABLE)
    assert [call.authorization for call in world.webhooks.calls] == ["Bearer x"]
    assert "Bearer" not in world.status.model_dump_json()


def test_a_champion_is_taken_care_of_while_a_gate_waits() -> None:
    world = Stage()
    world.jobs.behaviours["smoke"] = JobBehaviour(takes=9999)
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.webhooks.verdicts[REVIEW] = Unavailable("silent")
        world.jobs.failure = Unavailable("the API server is busy with Jobs")
        world.apply(gated(JOB, HOOK, version="2"))
        world.wait_for(Phase.GATING)
        world.cluster.drift(KEY, "a")
        operator.changed(KEY)
        world.advance(10)
        assert world.cluster.slots_now(world.md())["a"].up_to_date
        assert world.status.champion is not None


def test_a_rollback_does_not_wait_for_gates_and_asks_none() -> None:
    world = Stage()
    world.cluster.behave("2", Behaviour(bad_share=0.5))
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(gated(JOB, HOOK, version="2"))
        world.wait_for(Phase.CANARY)
        world.jobs.failure = Unavailable("silent")
        world.webhooks.verdicts[REVIEW] = Unavailable("silent")
        world.wait_for(Phase.REJECTED, within=10, requests=50)
    assert (len(world.jobs.started), len(world.webhooks.calls)) == (1, 1)


def test_withdrawn_or_deleted_nobody_is_asked_any_more() -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.webhooks.verdicts[REVIEW] = Unavailable("silent")
        world.apply(gated(HOOK, version="2"))
        world.wait_for(Phase.GATING)
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        asked = len(world.webhooks.calls)
        world.advance(600)
        assert len(world.webhooks.calls) == asked
        world.apply(gated(HOOK, version="3"))
        world.wait_for(Phase.GATING)
        world.cluster.remove(KEY)
        operator.changed(KEY)
        world.advance(1)
        asked = len(world.webhooks.calls)
        world.advance(600)
        assert len(world.webhooks.calls) == asked


def test_an_edited_gate_is_another_question() -> None:
    world = Stage()
    world.webhooks.verdicts[REVIEW] = WebhookVerdict(False, "no")
    with world.operator():
        world.apply(gated(HOOK))
        world.wait_for(Phase.BLOCKED)
        world.apply(gated({"name": "review", "webhook": {"url": f"{REVIEW}/v2"}}))
        world.wait_for(Phase.STABLE)
    assert [call.url for call in world.webhooks.calls] == [REVIEW, f"{REVIEW}/v2"]


def test_a_job_of_somebody_else_is_said_in_the_log_and_the_gate_waits(caplog: pytest.LogCaptureFixture) -> None:
    world = Stage()
    world.jobs.foreign_objects.add("smoke")
    with world.operator():
        world.apply(gated(JOB))
        world.wait_for(Phase.GATING)
        world.advance(60)
        assert world.status.phase is Phase.GATING
    assert "belongs to another owner" in caplog.text
    assert caplog.text.count("belongs to another owner") < 20


def test_a_question_that_is_under_way_is_not_put_a_second_time() -> None:
    world = Stage()
    session = WebhookWorker(world.webhooks, world.cluster, world.clock, URI, notify=lambda _: None)
    seen = world.cluster.put(KEY, gated(HOOK))
    assert seen.spec is not None
    (gate,) = seen.spec.gates
    assert gate.webhook is not None
    desired = CallWebhook("review", gate.webhook, "q", Pinned(version="1", digest="sha256:1", slot="a"), "")
    for _ in range(3):
        world.loop.call_soon(session.ask, seen, desired)
        world.loop.run_for(0)
    assert len(world.webhooks.calls) == 1
    world.result(session.close())
