"""Fixtures of the registry's contract suite: one world of each kind, the real server started once."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from podium.ports import RegistryLogin, RegistryQuery
from tests.contract.registry_worlds import EDITOR, FakeWorld, MlflowWorld, RegistryWorld, login, mlflow_server


@pytest.fixture(scope="session")
def mlflow_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowWorld]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as world:
        yield world


@pytest.fixture(params=["fake", "mlflow"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[RegistryWorld]:
    if request.param == "fake":
        yield FakeWorld()
        return
    real: MlflowWorld = request.getfixturevalue("mlflow_world")
    yield real
    while real.adapters:
        await real.adapters.pop().close()


@pytest.fixture
def model() -> str:
    """A name that no other test uses: the real server is shared."""
    return f"churn-{uuid4().hex[:8]}"


@pytest.fixture
def editor(world: RegistryWorld) -> RegistryLogin:
    return login(world.uri, EDITOR)


def query(
    asker: RegistryLogin,
    model: str,
    version: str | None = None,
    *,
    alias: str | None = None,
    champion: str | None = None,
    record: tuple[str, ...] = (),
) -> RegistryQuery:
    return RegistryQuery(asker, model, version, alias, champion, "champion", record)
