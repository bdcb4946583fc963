"""The programs that this machine must have: looked for, installed where that is possible, named where it is not."""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed import layers
from testbed.commands import SEARCH_PATH, run, run_logged
from testbed.errors import MissingTools
from testbed.forecast import Usual
from testbed.progress import step

GO_NEEDED = (1, 25)


@dataclass(frozen=True)
class Tool:
    """A program, or where it is none a file, and the Debian package that brings it."""

    name: str
    package: str

    def is_here(self) -> bool:
        """Whether it can be run."""
        if self.name.startswith("/"):
            return Path(self.name).exists()
        return shutil.which(self.name, path=SEARCH_PATH) is not None


FOR_PODMAN = (
    Tool("podman", "podman"),
    Tool("buildah", "buildah"),
    Tool("runc", "runc"),
    Tool("iptables", "iptables"),
    Tool("skopeo", "skopeo"),
    Tool("debootstrap", "debootstrap"),
    Tool("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    Tool("/usr/lib/podman/netavark", "netavark"),
    Tool("/usr/lib/podman/aardvark-dns", "aardvark-dns"),
)
FOR_METRICS = (  # for the contract of metrics stores, and for alerts; no cluster needs them
    Tool("prometheus", "prometheus"),
    Tool("promtool", "prometheus"),
)

FOR_DATABASE = (Tool("/usr/lib/postgresql", "postgresql"),)  # for MLflow as people run it
FOR_BROWSER = (Tool("chromium", "chromium"),)  # for the tests of the page

FOR_NEWS = (Tool("/usr/sbin/nats-server", "nats-server"),)  # for the contract of NATS; no cluster needs it


def ensure(tools: Sequence[Tool], *, root: bool, go: bool) -> None:
    """Installs what can be installed; raises `MissingTools` with everything that is still not here."""
    absent = [tool for tool in tools if not tool.is_here()]
    if absent and can_install():
        install([tool.package for tool in absent])
        absent = [tool for tool in tools if not tool.is_here()]
    missing = [f"{tool.name} (Debian package {tool.package})" for tool in absent]
    if root and os.geteuid() != 0:
        missing.append("root: without Docker the nodes are containers that only root may start (try sudo)")
    if go:
        missing += why_not_go(go_version())
    if missing:
        raise MissingTools(missing)


def can_install() -> bool:
    """Whether this process may install packages of the system."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str]) -> None:
    """Install packages of the system. Raises CommandFailed."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    log = layers.log_of("apt")
    with step(f"installing {', '.join(packages)}"):
        run_logged("apt-get update", ["apt-get", "update"], log, env=quiet)
        command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
        run_logged("apt-get install", command, log, env=quiet, forecast=Usual("apt"))


def go_version() -> str | None:
    """What `go version` says; None where there is no Go."""
    if shutil.which("go", path=SEARCH_PATH) is None:
        return None
    return run(["go", "version"])


def why_not_go(version: str | None) -> list[str]:
    """What is wrong with this answer of `go version`; empty for a Go that is new enough."""
    wanted = ".".join(map(str, GO_NEEDED))
    if version is None:
        return [f"Go {wanted} or newer: none was found"]
    found = re.search(r"go(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < GO_NEEDED:
        return [f"Go {wanted} or newer: found {version.strip()}"]
    return []
