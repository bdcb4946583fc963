"""A registry of either kind, with the hands of a person beside it: what the contract suite needs of both."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, Protocol

from mlflow import MlflowClient

from podium.adapters.registries.mlflow import MlflowRegistry, process
from podium.adapters.registries.mlflow.logins import authorization, logged_in
from podium.ports import Registry, RegistryLogin
from podium.testing import PASSWORD, USERNAME, FakeRegistry

DEADLINE = 180  # seconds until a server must answer; it takes fifteen on two idle cores, and more beside a build
NOBODY = "http://127.0.0.1:1"
EDITOR, READER = "editor", "reader"
PASSWORDS = {EDITOR: "a password of the editor", READER: "a password of the reader"}
SETTINGS = """[mlflow]
default_permission = READ
database_uri = {users}
admin_username = {admin}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 600
"""


def login(uri: str, user: str, password: str = "") -> RegistryLogin:
    return RegistryLogin(uri, {USERNAME: user, PASSWORD: password or PASSWORDS[user]})


class RegistryWorld(Protocol):
    """A registry and those who use it."""

    uri: str

    async def adapter(self) -> Registry: ...  # a new one that has seen nothing yet

    def publish(
        self,
        model: str,
        *,
        files: Mapping[str, bytes] | None = None,
        metrics: Mapping[str, float] | None = None,
        run_tags: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        status: str = "READY",
    ) -> str: ...

    def point(self, model: str, alias: str, version: str) -> None: ...

    def overwrite(self, model: str, version: str, path: str, content: bytes) -> None: ...


@dataclass
class FakeWorld:
    """The fake, which is its own server."""

    uri: str = "http://fake"
    fake: FakeRegistry = field(
        default_factory=lambda: FakeRegistry(users=PASSWORDS, readers=frozenset({READER}), dead=frozenset({NOBODY}))
    )

    def __post_init__(self) -> None:
        self.publish, self.point, self.overwrite = self.fake.publish, self.fake.point, self.fake.overwrite

    async def adapter(self) -> Registry:
        self.fake.restart()
        return self.fake


@dataclass
class MlflowWorld:
    """A real server with two users. Models are made of plain files: the registry does not care what is in them."""

    uri: str
    database: Path
    adapters: list[MlflowRegistry] = field(default_factory=list)

    async def adapter(self) -> Registry:
        self.adapters.append(MlflowRegistry())
        return self.adapters[-1]

    def publish(
        self,
        model: str,
        *,
        files: Mapping[str, bytes] | None = None,
        metrics: Mapping[str, float] | None = None,
        run_tags: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        status: str = "READY",
    ) -> str:
        with self.client() as client:
            if not client.search_registered_models(f"name = '{model}'"):
                client.create_registered_model(model)
            experiment = client.get_experiment_by_name(model)
            place = experiment.experiment_id if experiment else client.create_experiment(model)
            run = client.create_run(place, tags=dict(run_tags or {})).info.run_id
            for key, value in (metrics or {}).items():
                client.log_metric(run, key, value - 1, step=0)
                client.log_metric(run, key, value, step=1)
            logged = client.create_logged_model(place, name="model", source_run_id=run).model_id
            self._upload(client, logged, files if files is not None else {"MLmodel": f"{model} {run}".encode()})
            client.finalize_logged_model(logged, "READY")
            made = client.create_model_version(
                model, f"models:/{logged}", run, tags=dict(tags or {}), await_creation_for=0, model_id=logged
            )
        if status != "READY":  # only stores that copy a model on registering it have other ones
            statement = "UPDATE model_versions SET status = ? WHERE name = ? AND version = ?"
            self.execute(statement, status, model, str(made.version))
        return str(made.version)

    def point(self, model: str, alias: str, version: str) -> None:
        with self.client() as client:
            client.set_registered_model_alias(model, alias, version)

    def overwrite(self, model: str, version: str, path: str, content: bytes) -> None:
        with self.client() as client:
            source = str(client.get_model_version(model, version).source)
            self._upload(client, source.removeprefix("models:/"), {path: content})

    @contextmanager
    def client(self) -> Iterator[Any]:
        with logged_in(login(self.uri, EDITOR)):
            yield MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def _upload(self, client: Any, logged_model: str, files: Mapping[str, bytes]) -> None:
        with TemporaryDirectory() as folder:
            for path, content in files.items():
                Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
                Path(folder, path).write_bytes(content)
            client.log_model_artifacts(logged_model, folder)

    def execute(self, statement: str, *values: str) -> None:
        """Change the server's database, where no API does."""
        with closing(sqlite3.connect(self.database)) as database, database:
            database.execute(statement, values)


@contextmanager
def mlflow_server(
    folder: Path,
    *,
    database: str = "",
    artifacts: Sequence[str] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[MlflowWorld]:
    """A real MLflow server on loopback, with logins; its database and its artifacts are in the folder by default.

    `artifacts` are the words of its command line that say where these are.
    """
    process.prepare()  # the hands of the person beside the registry log in the same way
    port, file = free_port(), folder / "mlflow.db"
    users = database or f"sqlite:///{folder}/users.db"
    (folder / "auth.ini").write_text(SETTINGS.format(users=users, admin=EDITOR))
    environment = (
        os.environ
        | environment
        | {
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
            "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORDS[EDITOR],
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "for tests only",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # half of the memory, for features that are not used here
        }
    )
    command = [
        sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--host", "127.0.0.1",
        "--port", str(port), "--workers", "1", "--backend-store-uri", database or f"sqlite:///{file}",
        *(artifacts or ("--serve-artifacts", "--artifacts-destination", str(folder / "artifacts"))),
    ]  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    try:
        world = MlflowWorld(f"http://127.0.0.1:{port}", file)
        wait_until_healthy(world.uri, server, folder / "server.log")
        add_reader(world)
        yield world
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself, and its log has been told
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(DEADLINE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether something takes connections there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def wait_until_healthy(uri: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"the MLflow server did not come up within {DEADLINE} s:\n{log.read_text()[-3000:]}")


def add_reader(world: MlflowWorld) -> None:
    """By HTTP, because MLflow's own client for it loads the server's packages and their warnings."""
    header = authorization(login(world.uri, EDITOR).variables)
    request = urllib.request.Request(
        f"{world.uri}/api/2.0/mlflow/users/create",
        json.dumps({"username": READER, "password": PASSWORDS[READER]}).encode(),
        {"Authorization": str(header), "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=DEADLINE):
        pass
