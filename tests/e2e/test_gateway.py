"""Rollouts through a real Envoy: exact shares, no request lost, and a way back that no gateway can bar."""

import json
from contextlib import AbstractContextManager, ExitStack, nullcontext
from itertools import pairwise

import httpx
import pytest

from podium.api.v1alpha1.status import Phase, Status
from testbed import gateway
from testbed.errors import CommandFailed
from testbed.waiting import wait_until
from tests.contract.cluster_worlds import theirs
from tests.e2e.conftest import Operator
from tests.e2e.envoy import SLOW_STEPS, Envoy, in_force, weights
from tests.e2e.rollout import QUICK, Rollout, clients

pytestmark = [pytest.mark.cluster, pytest.mark.gateway, pytest.mark.timeout(600)]

OPERATORS = "--selector=app.kubernetes.io/component=operator"
BACK = 2.0  # seconds in which a weight that was overwritten is put back


@pytest.fixture
def adopted(rollout: Rollout, envoy: Envoy, host: str) -> Rollout:
    """A ModelDeployment that adopts a route, which is there."""
    rollout.spec = {"traffic": {"httpRouteRef": {"name": "theirs", "rule": "model"}}}
    rollout.kubectl.apply(in_git(rollout, host))
    return rollout


def in_git(rollout: Rollout, host: str) -> str:
    made = theirs((f"{rollout.name}-a", f"{rollout.name}-b"))
    made["spec"]["hostnames"] = [host]
    return json.dumps(made)


def test_a_rollout_and_a_rollback_through_envoy_lose_no_request(routed: Rollout, host: str, rows: list[bytes]) -> None:
    routed.apply("1")
    routed.settle("1")
    with clients(gateway.PORT, rows, rate=100, host=host) as ledger:
        routed.apply("2")
        routed.settle("2")
        assert weights(routed, "churn") == {"a": 0, "b": 100}
        routed.apply("3")
        routed.reach(Phase.REJECTED)
        assert weights(routed, "churn") == {"a": 0, "b": 100}
    assert [(each.status, each.version, each.trouble) for each in ledger.strays("3")] == []
    assert set(ledger.by_version()) == {"1", "2", "3"}


def test_with_the_gateways_controller_stopped_the_weight_goes_back_and_the_pods_wait(
    routed: Rollout, envoy: Envoy, host: str, rows: list[bytes]
) -> None:
    routed.apply("1")
    routed.settle("1")
    with clients(gateway.PORT, rows, rate=50, host=host) as ledger:
        routed.apply("2", rollout=SLOW_STEPS)
        routed.until("half is in force", in_force)
        with envoy.stopped():
            routed.apply("1")
            routed.until("the weight is back", lambda status: status.weight is not None and status.weight.desired == 0)
            said = routed.until("it is said what is in the way", lambda status: "its controller" in status.message)
            assert said.phase is Phase.ROLLING_BACK
            assert len(routed.pods("2")) == 1  # half of two
        routed.settle("1")
    assert [(each.status, each.version, each.trouble) for each in ledger.failures] == []


def test_a_route_that_no_listener_admits_is_told_and_nothing_is_promoted(routed: Rollout) -> None:
    routed.apply(
        "1", traffic={"gateway": {"name": gateway.NAME, "namespace": gateway.NAMESPACE, "sectionName": "none"}}
    )
    routed.until("the refusal is told", lambda s: any(c.reason == "RouteNotAccepted" for c in s.conditions))
    assert "sectionName or port must be those of a listener" in routed.condition("TrafficInSync")[2]
    assert routed.status().champion is None


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        ([], nullcontext()),
        # The API server keeps the weights for Podium, whose field manager wrote them.
        (["--server-side"], pytest.raises(CommandFailed, match="conflict")),
        (["--server-side", "--force-conflicts"], nullcontext()),
    ],
    ids=["apply", "server-side", "force-conflicts"],
)
def test_what_git_says_of_the_weights_is_put_back_in_mid_trial(
    adopted: Rollout, host: str, how: list[str], answer: AbstractContextManager[object]
) -> None:
    adopted.apply("1")
    adopted.settle("1")
    adopted.apply("2", rollout=SLOW_STEPS)
    adopted.until("half is in force", in_force)
    with answer:
        adopted.kubectl("apply", *how, "--filename=-", stdin=in_git(adopted, host))
    wait_until("the weights are back", lambda: weights(adopted, "theirs") == {"a": 50, "b": 50}, BACK, interval=0.05)


def test_a_fight_about_the_weights_is_told_with_the_name_of_who_fights(adopted: Rollout, host: str) -> None:
    adopted.apply("1")
    adopted.settle("1")
    adopted.apply("2", rollout=SLOW_STEPS)
    adopted.until("half is in force", in_force)
    manager = "--field-manager=argocd-controller"
    for _ in range(3):
        adopted.kubectl(
            "apply", "--server-side", "--force-conflicts", manager, "--filename=-", stdin=in_git(adopted, host)
        )
        wait_until(
            "the weights are back", lambda: weights(adopted, "theirs") == {"a": 50, "b": 50}, BACK, interval=0.05
        )
    adopted.until("the fight is told", lambda s: any(c.reason == "RouteConflict" for c in s.conditions), 30)
    assert "argocd-controller" in adopted.condition("TrafficInSync")[2]


def test_a_rule_that_lacks_a_backend_is_refused_with_what_is_missing(rollout: Rollout, envoy: Envoy, host: str) -> None:
    made = json.loads(in_git(rollout, host))
    del made["spec"]["rules"][0]["backendRefs"][1]
    rollout.kubectl.apply(json.dumps(made))
    rollout.apply("1", traffic={"httpRouteRef": {"name": "theirs", "rule": "model"}})
    rollout.until("the lack is told", lambda s: any(c.reason == "RouteInvalid" for c in s.conditions))
    assert "add churn-b (port 80, weight 0)" in rollout.condition("TrafficInSync")[2]
    assert weights(rollout, "theirs") == {"a": 100}


def version_for(host: str, row: bytes, **headers: str) -> str:
    """Which version answers a request with these headers; where none does, what is said instead."""
    sent = {"host": host, "content-type": "application/json", **headers}
    answer = httpx.post(f"http://127.0.0.1:{gateway.PORT}/invocations", content=row, headers=sent, timeout=10)
    version: str = answer.headers.get("x-podium-version", "nobody")
    return version if answer.status_code == httpx.codes.OK else f"{version}, with {answer.status_code}"


def test_testers_reach_the_challenger_before_everybody_and_what_it_answers_them_is_no_evidence(
    routed: Rollout, host: str, rows: list[bytes]
) -> None:
    tester = {"x-podium-preview": "alice"}
    preview = {"header": "x-podium-preview", "duration": "1h"}
    traffic = {**routed.spec["traffic"], "preview": preview}
    routed.apply("1", traffic=traffic)
    routed.settle("1")
    wait_until("the route answers", lambda: version_for(host, rows[0]) == "1", 60)
    assert version_for(host, rows[0], **tester) == "1"
    routed.apply("2", rollout=SLOW_STEPS)
    routed.until("testers are let in", lambda status: "testers reach it by header" in status.message)
    wait_until("testers reach it", lambda: version_for(host, rows[0], **tester) == "2", 30)
    assert [version_for(host, row, **tester) for row in rows[:20]] == ["2"] * 20
    assert [version_for(host, row) for row in rows[:20]] == ["1"] * 20
    assert routed.status().phase is Phase.STARTING
    assert weights(routed, "churn") == {"a": 100, "b": 0}
    routed.apply("2", traffic={**traffic, "preview": {**preview, "duration": "0s"}})
    routed.until("half is in force", in_force)
    assert [version_for(host, row, **tester) for row in rows[:20]] == ["2"] * 20
    trial = routed.status().trial
    assert trial is not None
    assert trial.evidence.measured("errors").challenger.answers == 0  # nobody but testers has asked since
    routed.apply("1")
    routed.settle("1")
    wait_until("testers are users again", lambda: version_for(host, rows[0], **tester) == "1", 30)


def test_a_user_stays_on_a_side_within_a_step_and_moves_one_way_as_the_weight_rises(
    routed: Rollout, host: str, rows: list[bytes]
) -> None:
    routed.apply("1", traffic={**routed.spec["traffic"], "sessionAffinity": {"cookieName": "podium"}})
    routed.settle("1")
    wait_until("the route answers", lambda: version_for(host, rows[0]) == "1", 60)
    sent = {"host": host, "content-type": "application/json"}
    with ExitStack() as stack:
        users = [stack.enter_context(httpx.Client(headers=sent, timeout=10)) for _ in range(40)]

        def sides() -> list[str]:
            url = f"http://127.0.0.1:{gateway.PORT}/invocations"
            answers = [user.post(url, content=rows[0]) for user in users]
            assert {answer.status_code for answer in answers} == {httpx.codes.OK}
            return [answer.headers["x-podium-version"] for answer in answers]

        def at(status: Status, step: int) -> bool:
            return status.trial is not None and status.trial.step == step and in_force(status)

        steps = [{"weight": 30, "duration": "5s"}, {"weight": 60, "duration": "120s"}]
        routed.apply("2", rollout={"steps": steps, "soak": "5s"})
        routed.until("the first step is in force", lambda status: at(status, 0))
        # Envoy's threads learn a moment after each other what its controller has accepted.
        wait_until("everybody has a cookie", lambda: sides() and all(user.cookies for user in users), 30)
        seen = [sides(), sides()]
        assert seen[0] == seen[1]

        def asked_until_the_next_step() -> bool:
            seen.append(sides())
            marks = [user.cookies["podium"].split(".") for user in users]
            return at(routed.status(), 1) and all(side == "b" or weight == "60" for _, weight, side in marks)

        wait_until("the second step is in force", asked_until_the_next_step, 120)
        seen += [sides(), sides()]
        for before, after in pairwise(seen):
            assert [user for user, was in enumerate(before) if was == "2" and after[user] == "1"] == []
        assert seen[-1] == seen[-2]
        assert set(seen[0]) == set(seen[-1]) == {"1", "2"}
        assert seen[-1].count("2") > seen[0].count("2")
        routed.apply("1")
        routed.settle("1")
        wait_until("all are back", lambda: set(sides()) == {"1"}, 30)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING])
def test_deleted_in_any_phase_podiums_own_route_goes(routed: Rollout, phase: Phase) -> None:
    routed.apply("1")
    routed.settle("1")
    routed.apply("2", rollout={**QUICK, "soak": "60s", "guards": []})  # nobody asks, so nobody could be judged
    routed.reach(phase)
    routed.kubectl("delete", "md/churn", "--cascade=foreground", "--timeout=120s", timeout=150)
    assert routed.kubectl.get("httproutes")["items"] == []


def test_deleted_in_mid_trial_an_adopted_route_is_left_to_the_champion(adopted: Rollout) -> None:
    adopted.apply("1")
    adopted.settle("1")
    adopted.apply("2", rollout=SLOW_STEPS)
    adopted.until("half is in force", in_force)
    adopted.kubectl("delete", "md/churn", "--timeout=120s", timeout=150)
    wait_until("the champion has it all", lambda: weights(adopted, "theirs") == {"a": 100, "b": 0}, 10)


def test_deleted_while_no_operator_runs_an_adopted_route_is_left_to_the_champion_by_the_next_one(
    adopted: Rollout, operator: Operator
) -> None:
    adopted.apply("1")
    adopted.settle("1")
    adopted.apply("2", rollout=SLOW_STEPS)
    adopted.until("half is in force", in_force)
    operator.scale(0)
    try:
        wait_until("no operator is left", lambda: not operator.kubectl.get("pods", OPERATORS)["items"], 60)
        adopted.kubectl("delete", "md/churn", "--wait=false")
        assert adopted.object()["metadata"]["finalizers"] == ["podium.dev/route"]
    finally:
        operator.scale(2)
    wait_until("the champion has it all", lambda: weights(adopted, "theirs") == {"a": 100, "b": 0}, 60)
    wait_until("it is gone", lambda: not adopted.kubectl.get("md")["items"], 30)


def test_deleted_after_its_route_nothing_waits(adopted: Rollout) -> None:
    adopted.apply("1")
    adopted.settle("1")
    adopted.kubectl("delete", "httproute/theirs")
    adopted.kubectl("delete", "md/churn", "--timeout=30s", timeout=60)


def test_back_to_shares_of_pods_the_route_of_podiums_own_goes(routed: Rollout) -> None:
    routed.apply("1")
    routed.settle("1")
    routed.apply("1", traffic={"service": {"type": "NodePort", "nodePort": routed.port}})
    wait_until("the route is gone", lambda: not routed.kubectl.get("httproutes")["items"], 30)
    routed.until(
        "traffic is in sync", lambda s: any(c.type == "TrafficInSync" and c.status == "True" for c in s.conditions)
    )
