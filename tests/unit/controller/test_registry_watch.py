from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase, Status
from podium.controller.workers.registry import RegistryWorker
from podium.core.actions import MoveAlias, WriteTags
from podium.core.facts import Key, Problem, RegistryState
from podium.errors import Rejected, Unavailable
from podium.ports import ModelDeployment, RegistryLogin, RegistryQuery
from podium.testing import PASSWORD, USERNAME, FakeClock, FakeCluster, FakeRegistry, settle
from tests.unit.controller.stage import KEY, SETTINGS, URI, spec

ALIAS = MoveAlias("champion", "2", why="promoted")
TAGS = WriteTags("2", {"podium.dev/decision": "promoted"}, why="promoted")


class Counting(FakeRegistry):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[RegistryQuery] = []
        self.polls: list[frozenset[str]] = []

    async def query(self, query: RegistryQuery) -> RegistryState:
        self.queries.append(query)
        return await super().query(query)

    async def revisions(self, login: RegistryLogin, models: AbstractSet[str]) -> Mapping[str, str]:
        self.polls.append(frozenset(models))
        return await super().revisions(login, models)


class Stage:
    """One session's surroundings."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.cluster = FakeCluster(self.clock)
        self.registry = Counting()
        for _ in range(3):
            self.registry.publish("churn")
        self.notified: list[float] = []
        self.watch = RegistryWorker(self.registry, self.cluster, self.clock, SETTINGS, notify=self._notify)

    def _notify(self, key: Key) -> None:
        if key == KEY:
            self.notified.append(self.clock.monotonic())

    def put(self, version: str = "1", **more: object) -> ModelDeployment:
        return self.cluster.put(KEY, spec(version, **more))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    await made.watch.close()


async def test_the_answer_comes_after_the_question_and_brings_a_look(stage: Stage) -> None:
    md = stage.put()
    assert stage.watch.latest(md) == RegistryState(uri=URI)
    await settle()
    answer = stage.watch.latest(md)
    assert answer.desired is not None
    assert answer.desired.version == "1"
    assert stage.notified == [0.0]


async def test_another_question_empties_the_desk_and_is_asked_at_once(stage: Stage) -> None:
    stage.watch.latest(stage.put("1"))
    await settle()
    assert stage.watch.latest(stage.put("2")) == RegistryState(uri=URI)
    await settle()
    answer = stage.watch.latest(stage.put("2"))
    assert answer.desired is not None
    assert answer.desired.version == "2"


async def test_an_answer_that_stays_the_same_brings_no_look(stage: Stage) -> None:
    stage.watch.latest(stage.put())
    await stage.clock.advance(300)
    assert stage.notified == [0.0]


async def test_what_changes_in_the_registry_is_seen_at_the_next_poll(stage: Stage) -> None:
    stage.watch.latest(stage.put())
    await stage.clock.advance(5)
    stage.registry.point("churn", "champion", "3")
    await stage.clock.advance(SETTINGS.registry_poll)
    assert stage.watch.latest(stage.put()).alias == "3"
    first, second = stage.notified
    assert first == 0.0
    assert 5 < second <= 10


async def test_a_registry_that_does_not_answer_is_a_problem_and_is_asked_less_and_less_often(stage: Stage) -> None:
    """In the end by the poller alone, once for all: a thousand that try again keep a server down."""
    stage.registry.unreachable = True
    asked = []

    async def query(query: RegistryQuery) -> RegistryState:
        asked.append(stage.clock.monotonic())
        raise Unavailable(f"{query.login.uri} does not answer", reason=reasons.REGISTRY_UNREACHABLE)

    stage.registry.query = query  # type: ignore[method-assign]
    stage.watch.latest(stage.put())
    await stage.clock.advance(120)
    problem = stage.watch.latest(stage.put()).problem
    assert problem is not None
    assert problem.reason == reasons.REGISTRY_UNREACHABLE
    assert asked[:4] == pytest.approx([0, 0.1, 0.3, 0.7])
    assert asked[-1] < 30
    assert stage.notified == [0.0]
    stage.registry.unreachable = False
    await stage.clock.advance(31)
    assert asked[-1] > 120, "the poller heard of it, and this one asks again"


async def test_a_fault_that_nobody_foresaw_does_not_end_the_desk(stage: Stage) -> None:
    real, fail = stage.registry.query, True

    async def query(query: RegistryQuery) -> RegistryState:
        if fail:
            raise KeyError("a fault in the client")
        return await real(query)

    stage.registry.query = query  # type: ignore[method-assign]
    stage.watch.latest(stage.put())
    await stage.clock.advance(1)
    fail = False
    await stage.clock.advance(30)
    assert stage.watch.latest(stage.put()).desired is not None


async def test_what_is_owed_is_done_once_and_seen_at_once(stage: Stage) -> None:
    md = stage.put("2")
    stage.watch.latest(md)
    await settle()
    stage.watch.enqueue(KEY, [ALIAS, TAGS])
    stage.watch.enqueue(KEY, [ALIAS, TAGS])
    await settle()
    assert stage.registry.writes == ["alias champion of churn to 2", "tags podium.dev/decision of churn 2"]
    assert stage.watch.latest(md).alias == "2"
    await stage.clock.advance(300)
    assert len(stage.registry.writes) == 2


async def test_what_failed_is_tried_again_and_said(stage: Stage) -> None:
    md = stage.put("2", registry={"uri": "http://mlflow.test:5000", "secretName": "login"})
    stage.registry.users = {"reader": "secret"}
    stage.registry.readers = frozenset({"reader"})
    stage.cluster.secrets["ml", "login"] = {USERNAME: "reader", PASSWORD: "secret"}
    stage.watch.latest(md)
    await settle()
    stage.watch.enqueue(KEY, [ALIAS])
    await settle()
    answer = stage.watch.latest(md)
    assert answer.desired is not None
    assert answer.problem is not None
    assert answer.problem.reason == reasons.LOGIN_REJECTED
    stage.registry.readers = frozenset()
    await stage.clock.advance(1)
    assert stage.registry.writes == ["alias champion of churn to 2"]
    assert stage.watch.latest(md).problem is None


async def test_what_is_no_longer_owed_is_not_done(stage: Stage) -> None:
    md = stage.put("2")
    stage.watch.latest(md)
    await settle()
    stage.registry.unreachable = True
    stage.watch.enqueue(KEY, [ALIAS])
    await stage.clock.advance(1)
    stage.watch.enqueue(KEY, [])
    stage.registry.unreachable = False
    await stage.clock.advance(60)
    assert stage.registry.writes == []


async def test_a_secret_that_is_not_there_is_named(stage: Stage) -> None:
    md = stage.put(registry={"secretName": "login"})
    stage.watch.latest(md)
    await settle()
    problem = stage.watch.latest(md).problem
    assert problem == Problem(reasons.LOGIN_MISSING, "Secret ml/login (spec.registry.secretName) not found: create it")
    stage.cluster.secrets["ml", "login"] = {"password": "in a key of another name"}
    await stage.clock.advance(30)
    problem = stage.watch.latest(md).problem
    assert problem is not None
    assert "has none of" in problem.message


async def test_the_operators_own_login_is_for_its_own_registry_only() -> None:
    asked: list[RegistryLogin] = []

    class Asked(FakeRegistry):
        async def query(self, query: RegistryQuery) -> RegistryState:
            asked.append(query.login)
            return RegistryState()

    clock = FakeClock()
    cluster = FakeCluster(clock)
    settings = replace(SETTINGS, registry_login={PASSWORD: "secret"})
    watch = RegistryWorker(Asked(), cluster, clock, settings, notify=lambda _: None)
    for uri in (None, SETTINGS.registry_uri, "http://evil.test"):
        watch.latest(cluster.put(KEY, spec(registry={"uri": uri} if uri else {})))
        await settle()
    await watch.close()
    assert [bool(login.variables) for login in asked] == [True, True, False]


async def test_with_no_registry_named_anywhere_the_message_says_where_to_name_one() -> None:
    clock = FakeClock()
    cluster = FakeCluster(clock)
    watch = RegistryWorker(FakeRegistry(), cluster, clock, replace(SETTINGS, registry_uri=""), notify=lambda _: None)
    md = cluster.put(KEY, spec())
    watch.latest(md)
    await settle()
    problem = watch.latest(md).problem
    assert problem is not None
    assert "PODIUM_REGISTRY_URI" in problem.message
    await watch.close()


async def test_nothing_is_done_any_more_after_the_end(stage: Stage) -> None:
    stage.watch.latest(stage.put("2"))
    await settle()
    stage.watch.enqueue(KEY, [ALIAS])
    await stage.watch.close()
    await stage.clock.advance(60)
    assert stage.registry.writes == []
    assert stage.watch.known() == frozenset()


async def test_a_registry_that_flaps_is_no_news_to_what_rests(stage: Stage) -> None:
    """Ten short outages were 20 writes of the status and 10 Events for each object."""
    md = stage.put()
    stage.watch.latest(md)
    await settle()
    known = stage.watch.latest(md)
    for _ in range(10):
        stage.registry.unreachable = True
        await stage.clock.advance(25)
        stage.registry.unreachable = False
        await stage.clock.advance(35)
    assert stage.watch.latest(md) == known
    assert stage.notified == [0.0]
    stage.registry.unreachable = True
    await stage.clock.advance(120)
    problem = stage.watch.latest(md).problem
    assert problem is not None
    assert problem.reason == reasons.REGISTRY_UNREACHABLE, "an outage that lasts is told"


async def test_an_outage_that_lasts_is_over_for_what_rests_once_the_registry_answers(stage: Stage) -> None:
    """The poller alone had heard of the outage. What rested was told of its end an hour later, when it asked itself."""
    md = stage.put()
    stage.watch.latest(md)
    await settle()
    known = stage.watch.latest(md)
    stage.registry.unreachable = True
    await stage.clock.advance(200)
    assert stage.watch.latest(md).problem is not None
    stage.registry.unreachable = False
    await stage.clock.advance(45)
    assert stage.watch.latest(md) == known


async def test_an_answer_to_an_older_question_is_none(stage: Stage) -> None:
    """It stood for an hour, in which the phase changed ten times a second and the version of Git was not tried."""
    stage.watch.latest(stage.put("1"))
    await settle()
    old = stage.watch.latest(stage.put("1"))
    real, cached = stage.registry.query, [old]

    async def query(query: RegistryQuery) -> RegistryState:
        return cached.pop() if cached else await real(query)

    stage.registry.query = query  # type: ignore[method-assign]
    stage.watch.latest(stage.put("2"))
    await settle()
    problem = stage.watch.latest(stage.put("2")).problem
    assert problem is not None
    assert "answered about version 1 of churn, expected: version 2" in problem.message
    await stage.clock.advance(1)
    answer = stage.watch.latest(stage.put("2"))
    assert answer.problem is None
    assert answer.desired is not None
    assert answer.desired.version == "2"


async def test_an_outage_is_told_at_once_where_something_is_to_be_written(stage: Stage) -> None:
    md = stage.put()
    stage.watch.latest(md)
    await settle()
    stage.registry.unreachable = True
    stage.watch.enqueue(KEY, [ALIAS])
    await stage.clock.advance(1)
    assert stage.watch.latest(md).problem is not None


async def test_a_process_that_leads_no_longer_writes_nothing_that_it_still_has_to_write() -> None:
    clock, registry, leads = FakeClock(), FakeRegistry(), [True]
    registry.publish("churn")
    cluster = FakeCluster(clock)
    watch = RegistryWorker(registry, cluster, clock, SETTINGS, notify=lambda _: None, leads=lambda: leads[0])
    watch.latest(cluster.put(KEY, spec("1")))
    await settle()
    leads[0] = False  # it was frozen, and wakes up
    watch.enqueue(KEY, [WriteTags("1", {"podium.dev/decision": "promoted"}, why="promoted")])
    await clock.advance(60)
    assert registry.writes == []
    leads[0] = True
    await clock.advance(60)
    assert len(registry.writes) == 1
    await watch.close()


async def test_many_that_rest_are_one_question_in_each_interval(stage: Stage) -> None:
    """Each asked for itself, with four requests each: ten thousand were four thousand requests a second."""
    stage.registry.publish("fraud")
    mds = [stage.cluster.put(Key("ml", f"md-{number}"), spec("1")) for number in range(20)]
    mds += [stage.cluster.put(Key("ml", "fraud"), spec(model={"name": "fraud", "version": "1"}))]
    mds += [stage.cluster.put(Key("ml", "none"), spec(model={"name": "none", "version": "1"}))]
    for md in mds:
        stage.watch.latest(md)
    await settle()
    first = len(stage.registry.queries)
    assert first == len(mds), "each is asked for once"
    await stage.clock.advance(600)
    assert len(stage.registry.queries) == first
    assert set(stage.registry.polls) == {frozenset({"churn", "fraud", "none"})}
    assert 60 <= len(stage.registry.polls) <= 68


async def test_those_of_a_model_that_changes_ask_again_and_no_others(stage: Stage) -> None:
    stage.registry.publish("fraud")
    fraud = stage.cluster.put(Key("ml", "fraud"), spec(model={"name": "fraud", "version": "2"}))
    for md in (stage.put(), fraud):
        stage.watch.latest(md)
    await stage.clock.advance(1)
    problem = stage.watch.latest(fraud).problem
    assert problem is not None
    assert problem.reason == reasons.VERSION_NOT_FOUND
    stage.registry.queries.clear()
    stage.registry.publish("fraud")
    await stage.clock.advance(10)
    assert [query.model for query in stage.registry.queries] == ["fraud"]
    assert stage.watch.latest(fraud).problem is None


async def test_an_answer_stands_for_an_hour_at_the_most(stage: Stage) -> None:
    """The digest of files that were changed in their place is made again, and nothing else tells of that."""
    stage.watch.latest(stage.put())
    await stage.clock.advance(1)
    stage.registry.queries.clear()
    await stage.clock.advance(3600)
    assert len(stage.registry.queries) in {1, 2}


async def test_what_gates_read_is_asked_for_in_each_interval(stage: Stage) -> None:
    """Metrics and tags of a version are no part of its model's revision."""
    md = stage.put("2", gates=[{"name": "auc", "metric": {"key": "auc", "atLeast": 0.9}}])
    md = replace(md, status=Status(phase=Phase.BLOCKED))
    stage.watch.latest(md)
    await stage.clock.advance(95)
    assert len(stage.registry.queries) == 10


async def test_one_that_begins_to_need_its_gates_goes_by_no_old_answer(stage: Stage) -> None:
    md = stage.put("2", gates=[{"name": "auc", "metric": {"key": "auc", "atLeast": 0.9}}])
    stage.watch.latest(md)
    await stage.clock.advance(300)
    assert stage.watch.latest(md).desired is not None
    gating = replace(md, status=Status(phase=Phase.GATING))
    assert stage.watch.latest(gating) == RegistryState(uri=URI)
    await settle()
    assert stage.watch.latest(gating).desired is not None


async def test_a_registry_that_cannot_say_which_models_changed_is_asked_for_each(stage: Stage) -> None:
    async def revisions(login: RegistryLogin, models: AbstractSet[str]) -> Mapping[str, str]:
        raise Rejected("no such path")

    stage.registry.revisions = revisions  # type: ignore[method-assign]
    stage.watch.latest(stage.put())
    await stage.clock.advance(95)
    assert 9 <= len(stage.registry.queries) <= 12


async def test_the_poller_of_an_account_ends_with_the_last_that_has_it(stage: Stage) -> None:
    stage.watch.latest(stage.put())
    await stage.clock.advance(30)
    stage.watch.forget(KEY)
    stage.registry.polls.clear()
    await stage.clock.advance(100)
    assert stage.registry.polls == []
