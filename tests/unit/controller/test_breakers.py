"""A registry that does not answer is asked now and then, by the tenant that could not reach it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import pytest

from podium.api.v1alpha1 import reasons
from podium.controller.workers.breakers import OPENS, Breakers
from podium.errors import PodiumError, Rejected, Temporary, Unavailable
from podium.ports import RegistryLogin
from podium.testing import FakeClock, FakeRegistry

SILENT = Unavailable("it does not answer", reason=reasons.REGISTRY_UNREACHABLE)
QUEUED = Temporary("it waits", reason=reasons.REGISTRY_QUEUED)
REFUSED = Rejected("no", reason=reasons.LOGIN_REJECTED)


class Asked(FakeRegistry):
    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def revisions(self, login: RegistryLogin, models: AbstractSet[str]) -> Mapping[str, str]:
        self.asked += 1
        return await super().revisions(login, models)


class Stage:
    def __init__(self) -> None:
        self.clock, self.registry = FakeClock(), Asked()
        self.breakers = Breakers(self.registry, self.clock)

    async def ask(self, tenant: str = "a", uri: str = "http://mlflow:5000/x") -> PodiumError | None:
        try:
            await self.breakers.revisions(RegistryLogin(uri, {}, tenant=tenant), frozenset())
        except PodiumError as error:
            return error
        return None

    async def silence(self) -> None:
        self.registry.failure = SILENT
        for _ in range(OPENS):
            await self.ask()


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_after_some_failures_without_an_answer_it_is_asked_less_and_less_often(stage: Stage) -> None:
    await stage.silence()
    for _ in range(20):
        error = await stage.ask()
        assert (str(error), getattr(error, "reason", "")) == (str(SILENT), reasons.REGISTRY_UNREACHABLE)
    assert stage.registry.asked == OPENS
    for _ in range(600):
        stage.clock.move(0.5)
        await stage.ask()
    assert stage.registry.asked - OPENS < 16


async def test_an_answer_closes_it_at_once(stage: Stage) -> None:
    await stage.silence()
    stage.registry.failure = None
    stage.clock.move(1.1)
    assert [await stage.ask() for _ in range(3)] == [None, None, None]


async def test_another_tenant_and_another_host_are_asked_all_the_same(stage: Stage) -> None:
    await stage.silence()
    stage.registry.failure = None
    assert await stage.ask() is not None
    assert await stage.ask("b") is None
    assert await stage.ask("a", "http://other:5000") is None
    assert await stage.ask("a", "http://mlflow:5000/other/path") is not None


@pytest.mark.parametrize("other", [QUEUED, REFUSED], ids=["waits for a seat", "is refused"])
async def test_what_waits_for_a_seat_and_what_is_refused_is_no_silence(stage: Stage, other: PodiumError) -> None:
    stage.registry.failure = other
    for _ in range(3 * OPENS):
        assert await stage.ask() is other
    assert stage.registry.asked == 3 * OPENS


async def test_an_address_that_is_none_is_no_trouble(stage: Stage) -> None:
    assert await stage.ask("a", "http://[::1") is None
