"""What PodiumPolicies do not grant does not begin, and what serves stays: played with the real controller."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.core.facts import Key, RegistryState
from podium.core.status.readiness import condition_of
from podium.errors import Rejected, Unavailable
from podium.ports import RegistryQuery, Totals, WebhookVerdict
from podium.simulation.world.policies import EVERYTHING
from tests.stories.simulator import NO_POD, SECOND, Simulation, holds, spec_of
from tests.stories.test_edited_status import edit

QUICK: dict[str, Any] = {"steps": [{"weight": 25, "duration": "10s"}, {"weight": 50, "duration": "10s"}], "soak": "1m"}
WEBHOOK = [{"name": "review", "webhook": {"url": "https://review.example.com/podium"}}]
JOB = [{"name": "smoke", "job": {}}]
OWN = {"operatorLogin": {"models": ["churn"]}}
# Each part of a spec that needs a grant, what grants it, and the field that is named where it is not granted.
PARTS: Mapping[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "webhook": ({"gates": WEBHOOK}, {"webhooks": {"hosts": ["review.example.com"]}}, "spec.gates[review].webhook.url"),
    "job": ({"gates": JOB}, {"jobs": {"enabled": True}}, "spec.gates[smoke].job"),
    "image": (
        {"serving": {"image": "registry.example.com/churn/server:2"}},
        {"images": ["registry.example.com/churn/*"]},
        "spec.serving.image",
    ),
    "service": (
        {"traffic": {"service": {"type": "LoadBalancer"}}},
        {"traffic": {"serviceTypes": ["LoadBalancer"]}},
        "spec.traffic.service.type",
    ),
    "gateway": (
        {"traffic": {"gateway": {"name": "public", "namespace": "infra", "hostnames": ["churn.example.com"]}}},
        {"traffic": {"gateways": [{"namespace": "infra", "name": "public"}], "hostnames": ["*.example.com"]}},
        "spec.traffic.gateway",
    ),
    "registry": (
        {"registry": {"uri": "http://mlflow.elsewhere:5000"}},
        {"registries": ["http://mlflow.elsewhere:5000"]},
        "spec.registry.uri",
    ),
}


def narrowed(sim: Simulation, **grants: Any) -> None:
    """The one policy that was there grants the operator's login for the model, and this."""
    sim.note("the policy is narrowed")
    sim.policies.apply("everything", **{**OWN, **grants})


def condition(sim: Simulation, kind: str) -> tuple[str, str, str]:
    found = condition_of(sim.status, kind)
    assert found is not None, kind
    return found.status, found.reason, found.message


def begun(version: str = "1", **parts: Any) -> Simulation:
    sim = Simulation(spec_of(version, rollout=QUICK, **parts))
    sim.register("1")
    return sim


def serving(**parts: Any) -> Simulation:
    sim = begun(**parts)
    sim.webhooks.otherwise = WebhookVerdict(True, "")
    sim.settle("1")
    sim.register("2")
    return sim


@pytest.mark.parametrize("part", PARTS)
def test_what_no_policy_grants_does_not_begin(part: str) -> None:
    asked, _, field = PARTS[part]
    sim = begun(**asked)
    narrowed(sim)
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.PENDING
    assert sim.cluster.slots_now(sim.md())["a"].replicas == 0, "no pod"
    assert not sim.jobs.started
    assert not sim.webhooks.calls
    assert not sim.registry.writes
    assert not sim.weights, "no Service, no route"
    assert condition(sim, "Permitted")[:2] == ("False", reasons.NOT_PERMITTED)
    assert field in condition(sim, "Permitted")[2]
    assert "ask for " in condition(sim, "Permitted")[2]
    assert holds("Stalled", sim.status, sim.md().generation)
    writes = sim.writes
    sim.run(600 * SECOND)
    assert sim.writes == writes, "at rest nothing is written"


@pytest.mark.parametrize("part", PARTS)
def test_what_a_policy_grants_serves(part: str) -> None:
    asked, grant, _ = PARTS[part]
    sim = begun(**asked)
    sim.webhooks.otherwise = WebhookVerdict(True, "")
    narrowed(sim, **grant)
    sim.settle("1")
    assert condition_of(sim.status, "Permitted") is None or condition(sim, "Permitted")[0] == "True"


@pytest.mark.parametrize("part", PARTS)
def test_several_policies_add_up(part: str) -> None:
    asked, grant, _ = PARTS[part]
    sim = begun(**asked)
    sim.webhooks.otherwise = WebhookVerdict(True, "")
    narrowed(sim)
    sim.run(30 * SECOND)
    sim.policies.apply("second", **grant)
    sim.settle("1")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING])
def test_a_trial_whose_grant_is_withdrawn_loses_its_traffic_without_blame(part: str, phase: Phase) -> None:
    asked, _, field = PARTS[part]
    sim = serving(**asked)
    sim.commit(spec_of("2", rollout=QUICK, **asked), "version 2")
    sim.reach(phase, at_once=True)
    sim.run(SECOND)
    began = sim.now
    narrowed(sim)
    sim.until(lambda s: s.weights == {"a": 100, "b": 0} and s.status.phase is Phase.PENDING)
    assert sim.now - began <= 20 * SECOND
    sim.run(60 * SECOND)
    assert sim.champion() == "1"
    assert sim.status.rejected == []
    assert sim.status.held is None
    assert not sim.ready_pods("b")
    assert sim.ready_pods("a")
    assert NO_POD not in sim.clients.failed
    assert sim.status.history[-1].reason == reasons.NOT_PERMITTED
    assert field in sim.status.message
    assert "champion 1 serves" in sim.status.message


@pytest.mark.parametrize("part", PARTS)
def test_the_champion_goes_on_serving_through_a_restart(part: str) -> None:
    asked, _, _ = PARTS[part]
    sim = serving(**asked)
    narrowed(sim)
    sim.run(30 * SECOND)
    sim.restart()
    sim.run(120 * SECOND)
    assert sim.weights["a"] == 100
    assert sim.ready_pods("a")
    assert condition(sim, "Stalled")[:2] == ("True", reasons.NOT_PERMITTED)
    sim.evict("a")
    sim.until(lambda s: bool(s.ready_pods("a")))


def test_a_policy_that_is_widened_wakes_those_it_concerns_at_once() -> None:
    sim = begun(gates=WEBHOOK)
    sim.webhooks.otherwise = WebhookVerdict(True, "")
    narrowed(sim)
    sim.run(300 * SECOND)
    began = sim.now
    narrowed(sim, webhooks={"hosts": ["*.example.com"]})
    sim.until(lambda s: s.status.phase is Phase.STARTING)
    assert sim.now - began < 5 * SECOND


def test_a_policy_of_which_no_watch_tells_is_read_within_a_minute() -> None:
    sim = serving()
    sim.policies.watched = False
    sim.policies.delete()
    sim.until(lambda s: condition_of(s.status, "Permitted") is not None, within=61 * SECOND)
    sim.policies.apply("everything", **EVERYTHING)
    sim.until(lambda _: condition(sim, "Permitted")[0] == "True", within=61 * SECOND)


def test_without_any_policy_the_operators_login_is_used_for_nothing() -> None:
    sim = begun()
    sim.policies.delete()
    asked: list[RegistryQuery] = []

    async def query(query: RegistryQuery) -> RegistryState:
        asked.append(query)
        return RegistryState()

    sim.registry.query = query  # type: ignore[method-assign]
    sim.run(300 * SECOND)
    assert not asked
    assert "no PodiumPolicy matches this namespace" in sim.status.message


@pytest.mark.parametrize("login", [{"models": ["fraud", "churn-*"]}, {"models": ["churn"], "aliases": ["staging"]}])
def test_the_operators_login_is_for_granted_models_and_aliases_alone(login: dict[str, Any]) -> None:
    sim = begun()
    sim.policies.apply("everything", operatorLogin=login)
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.PENDING
    assert not sim.registry.writes


def test_a_login_of_ones_own_is_no_way_round_the_granted_models() -> None:
    """A registry without logins takes any: the alias of another team's model would be moved."""
    sim = begun(registry={"secretName": "any"})
    sim.cluster.secrets[("ml", "any")] = {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "any"}
    sim.policies.apply("everything", operatorLogin={"models": ["fraud"]})
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.PENDING
    assert not sim.registry.writes


def test_an_edit_in_a_trial_that_is_not_permitted_reaches_no_service() -> None:
    """The rollback writes the traffic as the trial began it, not as it is refused."""
    sim = serving()
    sim.commit(spec_of("2", rollout=QUICK), "version 2")
    sim.reach(Phase.CANARY)
    narrowed(sim)
    sim.run(2 * SECOND)
    routed: list[str] = []
    route = sim.router.route

    async def watched(md: Any, *given: Any) -> None:
        routed.append(md.spec.traffic.service.type)
        await route(md, *given)

    sim.router.route = watched  # type: ignore[method-assign,assignment]
    sim.commit(spec_of("2", rollout=QUICK, traffic={"service": {"type": "LoadBalancer"}}), "a LoadBalancer")
    sim.until(lambda s: s.status.phase is Phase.PENDING)
    sim.run(60 * SECOND)
    assert set(routed) == {"ClusterIP"}
    assert sim.weights == {"a": 100, "b": 0}


def test_another_template_that_is_not_permitted_is_not_tried() -> None:
    sim = serving()
    narrowed(sim)
    sim.commit(spec_of("1", rollout=QUICK, serving={"image": "evil.example.com/miner:1"}), "an image")
    sim.run(120 * SECOND)
    assert sim.status.phase is Phase.STABLE
    assert condition(sim, "TemplateInSync")[1] == reasons.NOT_PERMITTED
    assert not holds("Ready", sim.status, sim.md().generation)


def test_more_pods_than_are_granted_are_not_started_and_those_that_serve_stay() -> None:
    sim = serving(serving={"replicas": 2})
    narrowed(sim, pods={"maxReplicas": 2})
    sim.run(SECOND)
    sim.scale(50)
    sim.run(60 * SECOND)
    assert sim.cluster.slots_now(sim.md())["a"].replicas == 2
    assert "50 pods, where at most 2 are granted" in sim.status.message


def test_a_list_of_policies_that_fails_takes_nothing_away() -> None:
    sim = serving()
    sim.policies.failure = Unavailable("the API server is busy")
    sim.run(120 * SECOND)
    sim.commit(spec_of("2", rollout=QUICK), "version 2")
    sim.settle("2")


def test_an_operator_that_may_not_read_policies_says_so_and_begins_nothing() -> None:
    sim = serving()
    sim.policies.failure = Rejected("podiumpolicies is forbidden")
    sim.run(60 * SECOND)
    sim.commit(spec_of("2", rollout=QUICK), "version 2")
    sim.run(60 * SECOND)
    assert sim.champion() == "1"
    assert "apply manifests/rbac.yaml" in sim.status.message


def test_a_rollback_waits_for_no_policy() -> None:
    sim = serving()
    sim.register("3", bad_share=1.0)
    sim.commit(
        spec_of("3", rollout={**QUICK, "guards": [{"name": "errors", "errorRate": {"atMost": "5%"}}]}), "version 3"
    )
    sim.reach(Phase.CANARY, at_once=True)
    sim.policies.failure = Unavailable("the API server is busy")
    sim.restart()
    sim.until(lambda s: s.weights == {"a": 100, "b": 0}, within=120 * SECOND)
    sim.run(60 * SECOND)
    assert sim.weights == {"a": 100, "b": 0}
    assert sim.champion() == "1"


def test_where_the_kind_is_not_installed_all_is_as_before() -> None:
    sim = begun(gates=WEBHOOK)
    sim.policies.installed = False
    sim.webhooks.otherwise = WebhookVerdict(True, "")
    sim.settle("1")
    assert condition_of(sim.status, "Permitted") is None


def test_a_crd_that_is_gone_grants_nothing_to_a_process_that_has_read_policies() -> None:
    sim = serving()
    sim.policies.installed = False
    sim.run(60 * SECOND)
    sim.commit(spec_of("2", rollout=QUICK), "version 2")
    sim.run(60 * SECOND)
    assert sim.champion() == "1"
    assert condition(sim, "Permitted")[0] == "False"


def test_policies_are_chosen_by_the_labels_of_the_namespace() -> None:
    sim = begun()
    sim.policies.apply("everything", namespaceSelector={"matchLabels": {"team": "churn"}}, **OWN)
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.PENDING
    sim.policies.labels["ml"] = {"team": "churn"}
    sim.settle("1")


def test_an_older_one_that_is_refused_keeps_the_alias_from_no_other() -> None:
    """Another team names the same model and alias, first, in a namespace without a grant for it."""
    sim = Simulation(spec_of("1", rollout=QUICK))
    sim.cluster.remove(Key("ml", "churn"))
    sim.policies.apply("everything", namespaceSelector={"matchNames": ["ml"]}, **OWN)
    sim.commit(spec_of("1", rollout=QUICK), key=Key("other", "thief"))
    sim.run(30 * SECOND)
    sim.commit(spec_of("1", rollout=QUICK), "the rightful one")
    sim.register("1")
    sim.settle("1")
    assert sim.alias == "1"


def test_an_annotation_that_loosens_the_sandbox_is_refused_whatever_policies_say() -> None:
    name = "container.apparmor.security.beta.kubernetes.io/model"
    sim = begun(serving={"annotations": {name: "unconfined", "team": "churn"}})
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.PENDING
    assert f"spec.serving.annotations[{name}]" in sim.status.message


def test_a_provider_at_a_host_that_is_not_granted_is_sent_nothing() -> None:
    sim = begun()
    sim.policies.apply("everything", **OWN, webhooks={"hosts": ["events.example.com"]})
    for name, address in (("good", "https://events.example.com/"), ("bad", "http://metadata.internal/latest")):
        sim.alerting.provider(name, address=address)
        sim.alerting.alert(name, name)
    sim.settle("1")
    sim.run(60 * SECOND)
    assert {each.address for each in sim.notifier.tried} == {"https://events.example.com/"}
    ready = sim.alerting.ready("Provider", "bad")
    assert ready is not None
    assert (ready.status, ready.reason) == ("False", reasons.NOT_PERMITTED)
    assert 'ask for webhooks.hosts: ["metadata.internal"]' in ready.message


def test_a_gate_tells_nothing_of_what_answers_at_an_address() -> None:
    """A refused connection, silence and a status that is no verdict are the same to who may only read the status."""
    told = set()
    for error in (
        Unavailable("https://review.example.com/ does not answer: Connection refused"),
        Unavailable("https://review.example.com/ did not answer within 10 s"),
        Rejected("https://review.example.com/ answered 404; expected 200"),
    ):
        sim = begun(gates=WEBHOOK)
        sim.webhooks.otherwise = error
        sim.run(60 * SECOND)
        told.add(sim.status.gates[0].message)
        assert "answer" not in sim.status.gates[0].message
    assert len(told) == 1


LOST: dict[str, Any] = {
    "name": "lost",
    "prometheus": {"bad": "sum(b{v='{{version}}'})", "total": "sum(t)", "atMost": "1%"},
}
ERRORS = {"name": "errors", "errorRate": {"atMost": "5%"}}
FORCED = {"label": "namespace", "value": "{{namespace}}"}


def heard(sim: Simulation) -> set[str]:
    """The queries that Prometheus is asked from now on."""
    asked: set[str] = set()
    totals = sim.metrics_store.totals

    async def watched(queries: Sequence[str]) -> Totals:
        asked.update(queries)
        return await totals(queries)

    sim.metrics_store.totals = watched  # type: ignore[method-assign]
    return asked


def guarded(version: str, *guards: dict[str, Any]) -> Spec:
    return spec_of(version, rollout={"steps": [{"weight": 50, "duration": "10m"}], "guards": [*guards]})


def on_trial(*guards: dict[str, Any], **grants: Any) -> Simulation:
    """Version 2 is on trial with these guards."""
    sim = Simulation(guarded("1", *guards))
    narrowed(sim, **grants)
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.commit(guarded("2", *guards))
    sim.reach(Phase.CANARY, at_once=True)
    return sim


def test_no_query_goes_out_before_policies_are_read_after_a_restart() -> None:
    sim = on_trial(LOST, ERRORS, prometheus=FORCED)
    sim.policies.failure = Unavailable("the API server is busy")
    sim.restart()
    asked = heard(sim)
    sim.run(20 * SECOND)
    assert asked == set()
    assert sim.status.phase is Phase.CANARY
    sim.policies.failure = None
    sim.run(20 * SECOND)
    assert asked
    assert all('namespace="ml"' in query for query in asked)


def test_no_query_goes_out_that_is_granted_no_more_where_git_has_dropped_its_guard() -> None:
    """What is refused is what Git says now; the trial ends with the guards that it began with."""
    sim = on_trial(LOST, ERRORS, prometheus=FORCED)
    sim.stop_gateway()
    sim.commit(guarded("2", ERRORS), "without the guard")
    sim.run(3 * SECOND)
    asked = heard(sim)
    narrowed(sim)
    sim.run(20 * SECOND)
    assert all('namespace="ml"' in query for query in asked)
    sim.start_gateway()
    sim.reach(Phase.CANARY)


def test_a_query_that_no_matcher_confines_holds_up_no_rollback_where_a_policy_begins_to_force_one() -> None:
    unsure = {**LOST, "prometheus": {**LOST["prometheus"], "bad": "sum(info(b{v='{{version}}'}))"}}
    sim = on_trial(unsure, ERRORS, prometheus={})
    sim.stop_gateway()
    sim.commit(guarded("2", ERRORS), "without the guard")
    sim.run(3 * SECOND)
    assert sim.status.phase is Phase.ROLLING_BACK
    narrowed(sim, prometheus=FORCED)
    sim.run(30 * SECOND)
    sim.start_gateway()
    sim.until(lambda s: s.status.phase is not Phase.ROLLING_BACK, within=60 * SECOND)


def test_nothing_is_told_to_a_provider_before_policies_are_read_after_a_restart() -> None:
    sim = on_trial(ERRORS, webhooks={"hosts": ["events.example.com"]})
    for name, address in (("good", "https://events.example.com/"), ("bad", "http://metadata.internal/latest")):
        sim.alerting.provider(name, address=address)
        sim.alerting.alert(name, name)
    sim.policies.failure = Unavailable("the API server is busy")
    sim.restart()
    sim.commit(guarded("1", ERRORS), "back to version 1")
    sim.run(120 * SECOND)
    assert sim.weights == {"a": 100, "b": 0}
    assert {each.address for each in sim.notifier.tried} == set()
    sim.policies.failure = None
    sim.run(180 * SECOND)
    assert {each.address for each in sim.notifier.tried} == {"https://events.example.com/"}


def test_a_query_of_a_guard_sees_the_namespaces_own_series_alone() -> None:
    sim = Simulation(spec_of("1", rollout={**QUICK, "guards": [LOST]}))
    asked = heard(sim)
    narrowed(sim, prometheus=FORCED)
    sim.register("1")
    sim.until(lambda s: s.status.phase is Phase.PROMOTING or bool(asked))
    assert asked
    assert all('namespace="ml"' in query for query in asked)


def test_a_forged_champion_of_another_teams_model_has_nothing_written_for_it() -> None:
    sim = serving()
    narrowed(sim)
    sim.registry.publish("fraud")
    before = len(sim.registry.writes)
    sim.note("who may write the status says that another team's model is champion")
    edit(sim, ("champion", "model"), "fraud")
    edit(sim, ("champion", "digest"), sim.registry.models["fraud"].versions["1"].digest)
    sim.run(120 * SECOND)
    assert sim.status.champion is not None
    assert (sim.status.champion.model, sim.status.phase) == ("churn", Phase.STABLE), "by a trial of what Git says"
    assert sim.registry.models["fraud"].aliases == sim.registry.models["fraud"].claims == {}
    assert sim.registry.models["fraud"].versions["1"].tags == {}
    assert not [write for write in sim.registry.writes[before:] if "fraud" in write]
