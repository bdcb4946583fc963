"""The registry's contract on MLflow as people run it: PostgreSQL, logins, artifacts in S3, behind a proxy or not."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from mlflow.exceptions import MlflowException

from podium.adapters.registries.mlflow import MlflowRegistry
from podium.adapters.registries.mlflow.logins import AWS_KEY, AWS_SECRET, S3_ENDPOINT
from podium.api.v1alpha1 import reasons
from podium.core.digest import digest_of
from podium.core.facts import RegistryState
from podium.errors import PodiumError, Rejected, Temporary, Unavailable
from podium.ports import RegistryLogin
from testbed.waiting import wait_until
from tests.contract.production_world import BUCKET, SECRET, Production, production
from tests.contract.registry_fixtures import query
from tests.contract.registry_worlds import EDITOR, login

pytestmark = [pytest.mark.production, pytest.mark.timeout(600)]
FILES = {"MLmodel": b"flavors: {}\n", "data/model.bin": b"\x00\x01" * 3_000_000, "data/empty": b""}
DIGEST = digest_of({path: hashlib.sha256(content).hexdigest() for path, content in FILES.items()})


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    with production(tmp_path_factory.mktemp("direct"), proxied=False) as made:
        yield made


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    with production(tmp_path_factory.mktemp("proxied"), proxied=True) as made:
        yield made


@pytest.fixture
async def registry() -> AsyncIterator[MlflowRegistry]:
    made = MlflowRegistry()
    yield made
    await made.close()


async def look(registry: MlflowRegistry, asker: RegistryLogin, model: str, version: str) -> RegistryState:
    return await registry.query(query(asker, model, version))


async def refused(registry: MlflowRegistry, asker: RegistryLogin, model: str, version: str) -> PodiumError:
    with pytest.raises(PodiumError) as caught:
        await look(registry, asker, model, version)
    assert SECRET not in str(caught.value)
    return caught.value


async def test_files_straight_from_the_store_have_the_digest_of_their_bytes(
    direct: Production, registry: MlflowRegistry, model: str
) -> None:
    version = direct.publish(model, FILES, metrics={"auc": 0.9})
    seen = (await look(registry, direct.login(), model, version)).desired
    assert seen is not None
    assert seen.digest == DIGEST
    assert seen.metrics["auc"] == 0.9


async def test_files_through_the_registry_need_no_login_of_the_store(
    proxied: Production, registry: MlflowRegistry, model: str
) -> None:
    version = proxied.publish(model, FILES)
    seen = (await look(registry, login(proxied.mlflow.uri, EDITOR), model, version)).desired
    assert seen is not None
    assert seen.digest == DIGEST


async def test_an_alias_moves_and_a_decision_is_kept_in_the_store(
    direct: Production, registry: MlflowRegistry, model: str
) -> None:
    version = direct.publish(model, FILES)
    await registry.move_alias(direct.login(), model, "champion", version)
    await registry.write_tags(direct.login(), model, version, {"podium.dev/decision": "promoted"})
    await registry.write_record(direct.login(), model, version, "podium/record.json", '{"é": 1}')
    with direct.mlflow.client() as client:
        assert client.get_model_version_by_alias(model, "champion").version == version
        run = client.get_run(client.get_model_version(model, version).run_id)
    folder = direct.mlflow.database.parent / "s3" / run.info.artifact_uri.removeprefix("s3://")
    assert (folder / "podium/record.json").read_text() == '{"é": 1}'
    fresh = MlflowRegistry()
    seen = (await look(fresh, direct.login(), model, version)).desired
    await fresh.close()
    assert seen is not None
    assert seen.digest == DIGEST


NO_RIGHT = (reasons.LOGIN_REJECTED, "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({AWS_SECRET: "another one"}, NO_RIGHT),
        ({AWS_KEY: "another one"}, NO_RIGHT),
        ({AWS_SECRET: ""}, NO_RIGHT),
        ({S3_ENDPOINT: "http://127.0.0.1:1"}, (reasons.REGISTRY_UNREACHABLE, "does not answer")),
        ({S3_ENDPOINT: "no address"}, (reasons.REGISTRY_ERROR, "MLFLOW_S3_ENDPOINT_URL")),
    ],
)
async def test_a_login_of_the_store_that_does_not_fit_says_what_to_check(
    direct: Production, registry: MlflowRegistry, model: str, changed: dict[str, str], told: tuple[str, str]
) -> None:
    version = direct.publish(model, FILES)
    error = await refused(registry, direct.login(**changed), model, version)
    reason, words = told
    assert error.reason == reason
    assert words in str(error)
    assert f"s3://{BUCKET}/" in str(error)


async def test_a_login_that_comes_late_is_used_when_it_is_there(
    direct: Production, registry: MlflowRegistry, model: str
) -> None:
    version = direct.publish(model, FILES)
    await refused(registry, direct.login(**{AWS_SECRET: "the one before it was rotated"}), model, version)
    seen = (await look(registry, direct.login(), model, version)).desired
    assert seen is not None
    assert seen.digest == DIGEST


async def test_the_operators_own_environment_is_not_for_the_login_of_another(
    direct: Production, registry: MlflowRegistry, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = direct.publish(model, FILES)
    for name, value in direct.store_login.items():
        monkeypatch.setenv(name, value)
    asker = direct.login(**{AWS_KEY: "", AWS_SECRET: ""})
    assert (await refused(registry, asker, model, version)).reason == reasons.LOGIN_REJECTED
    seen = (await look(registry, replace(asker, ambient=True), model, version)).desired
    assert seen is not None
    assert seen.digest == DIGEST


async def test_a_store_at_an_address_that_no_policy_grants_is_not_asked(
    direct: Production, registry: MlflowRegistry, model: str
) -> None:
    version = direct.publish(model, FILES)
    port = f"{direct.mlflow.uri.rpartition(':')[2]}"
    granted = replace(direct.login(), networks=("127.0.0.1/32",), foreign=True)
    seen = (await look(registry, granted, model, version)).desired
    assert seen is not None
    other = replace(granted, variables={**granted.variables, S3_ENDPOINT: f"http://127.0.0.2:{port}"})
    fresh = MlflowRegistry()
    error = await refused(fresh, other, model, version)
    await fresh.close()
    assert isinstance(error, Rejected)
    assert error.reason == reasons.NOT_PERMITTED


async def test_a_location_that_only_the_operators_environment_could_open_is_refused(
    direct: Production, registry: MlflowRegistry, model: str
) -> None:
    with direct.mlflow.client() as client:
        client.create_registered_model(model)
        run = client.create_run("0")
        version = client.create_model_version(model, "gs://bucket/model", run.info.run_id, await_creation_for=0).version
    error = await refused(registry, direct.login(), model, version)
    assert "knows no login but that of the operator's own environment" in str(error)


async def test_files_that_are_gone_from_the_store_are_missing(
    direct: Production, registry: MlflowRegistry, model: str
) -> None:
    with direct.mlflow.client() as client:
        client.create_registered_model(model)
        run = client.create_run("0")
        source = f"s3://{BUCKET}/nothing/is/here"
        version = client.create_model_version(model, source, run.info.run_id, await_creation_for=0).version
        bucket = client.create_model_version(model, "s3://no-such-bucket/x", run.info.run_id, await_creation_for=0)
    assert (await refused(registry, direct.login(), model, version)).reason == reasons.ARTIFACTS_MISSING
    assert (await refused(registry, direct.login(), model, bucket.version)).reason == reasons.ARTIFACTS_MISSING


async def test_a_store_that_is_down_is_no_fault_of_the_version(
    direct: Production, registry: MlflowRegistry, model: str
) -> None:
    version = direct.publish(model, FILES)
    direct.store.stop()
    try:
        error = await refused(registry, direct.login(), model, version)
    finally:
        direct.store.start()
    assert isinstance(error, Temporary)
    seen = (await look(registry, direct.login(), model, version)).desired
    assert seen is not None


async def test_a_database_that_restarts_is_an_unavailable_registry_and_then_none(
    direct: Production, registry: MlflowRegistry, model: str
) -> None:
    version = direct.publish(model, FILES)
    await look(registry, direct.login(), model, version)
    direct.database.stop()
    try:
        with pytest.raises(Unavailable):
            await look(registry, direct.login(), model, version)
    finally:
        direct.database.start()

    def answers() -> bool:
        with direct.mlflow.client() as client:
            try:
                return bool(client.get_registered_model(model))
            except MlflowException:
                return False

    wait_until("MLflow has its database again", answers, 120)
    seen = (await look(registry, direct.login(), model, version)).desired
    assert seen is not None
    assert seen.digest == DIGEST
