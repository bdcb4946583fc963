"""A registry as people run it: MLflow with logins on PostgreSQL, artifacts in S3. All of it real, and on loopback."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from unittest.mock import patch

from podium.adapters.registries.mlflow.logins import AWS_KEY, AWS_REGION, AWS_SECRET, S3_ENDPOINT
from podium.ports import RegistryLogin
from testbed import s3, tools
from testbed.waiting import wait_until
from tests.contract.registry_worlds import EDITOR, MlflowWorld, free_port, listens, login, mlflow_server

BUCKET, KEY, SECRET = "models", "access", "the-secret-of-the-store"
USER, PASSWORD = "mlflow", "a-password-of-the-database"


@dataclass
class Server:
    """A program on a port of loopback, which can be stopped and started again."""

    command: list[str]
    port: int
    log: Path
    environment: Mapping[str, str]
    user: str | None = None
    ending: signal.Signals = signal.SIGTERM
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
                user=self.user,
                cwd="/",
                start_new_session=True,
            )
        wait_until(f"{self.command[0]} answers, see {self.log}", lambda: listens(self.port), 60)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(self.ending)
            self.process.wait(60)
            self.process = None


@dataclass
class Production:
    """MLflow, and what it stands on."""

    mlflow: MlflowWorld
    database: Server
    store: Server

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.store.port}"

    @property
    def store_login(self) -> dict[str, str]:
        """The keys of a Secret that log in to the store."""
        return {AWS_KEY: KEY, AWS_SECRET: SECRET, AWS_REGION: "us-east-1", S3_ENDPOINT: self.endpoint}

    def login(self, **changed: str) -> RegistryLogin:
        """The editor's, as a Secret holds it; a key that is "" is not in it."""
        asker = login(self.mlflow.uri, EDITOR)
        variables = {**asker.variables, **self.store_login, **changed}
        return RegistryLogin(asker.uri, {name: value for name, value in variables.items() if value})

    def publish(self, model: str, files: Mapping[str, bytes], **more: Any) -> str:
        """As a data scientist does, whose client finds the login in its environment."""
        with patch.dict(os.environ, self.store_login):
            return self.mlflow.publish(model, files=files, **more)


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[Server, str]]:
    """A server with an empty database, and its URI. It may not run as root, so it has a folder of its own."""
    tools.ensure(tools.FOR_DATABASE, root=True, go=False)
    programs = max(Path("/usr/lib/postgresql").iterdir(), key=lambda version: int(version.name)) / "bin"
    own = Path(mkdtemp(prefix="podium-postgres-", dir="/tmp"))
    try:
        (own / "password").write_text(PASSWORD)
        for place in (own, own / "password"):
            shutil.chown(place, "postgres")
        made = [
            str(programs / "initdb"),
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            f"--username={USER}",
            f"--pwfile={own / 'password'}",
        ]
        subprocess.run([*made, str(own / "data")], user="postgres", cwd="/", check=True, capture_output=True)
        port = free_port()
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={own}", "-c", "fsync=off"]
        command = [str(programs / "postgres"), "-D", str(own / "data"), "-p", str(port), *options]
        # "fast": it ends its connections, as a pod that is deleted does.
        server = Server(command, port, folder / "postgres.log", {}, user="postgres", ending=signal.SIGINT)
        server.start()
        try:
            yield server, f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            server.stop()
    finally:
        shutil.rmtree(own)


@contextmanager
def store(folder: Path) -> Iterator[Server]:
    """A server of S3 that keeps files in the folder, with one bucket."""
    port = free_port()
    (folder / "s3" / BUCKET).mkdir(parents=True)
    command = [str(s3.server()), "--port", f"127.0.0.1:{port}", "--quiet", "posix", str(folder / "s3")]
    server = Server(command, port, folder / "s3.log", {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET})
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def production(folder: Path, *, proxied: bool) -> Iterator[Production]:
    """All of it; `proxied` where MLflow stands before the store, and clients need no login for it."""
    with postgres(folder) as (database, uri), store(folder) as files:
        login_of_mlflow = {AWS_KEY: KEY, AWS_SECRET: SECRET, AWS_REGION: "us-east-1"}
        root = f"s3://{BUCKET}/mlflow"
        kept = (
            ["--serve-artifacts", "--artifacts-destination", root]
            if proxied
            else ["--no-serve-artifacts", "--default-artifact-root", root]
        )
        environment = {**login_of_mlflow, S3_ENDPOINT: f"http://127.0.0.1:{files.port}"}
        with mlflow_server(folder, database=uri, artifacts=kept, environment=environment) as world:
            yield Production(world, database, files)
