"""The operator's settings, from the environment: a kustomize overlay patches them, a shell exports them."""

import os
import re
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, Self, cast

from podium.api.v1alpha1.values.base import parse_duration
from podium.core.alias_owner import CLUSTER
from podium.errors import Rejected

MOST_WORKERS: Final = 1000
MOST_TRIALS: Final = 1000
MOST_SHARDS: Final = 64
LAST_PORT: Final = 65535
_LAST_USER: Final = 999_999_999
Scrape = Literal["direct", "proxy"]
LogFormat = Literal["json", "text"]


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, with the defaults of a pod. Times are in seconds."""

    identity: str  # who leads, who tells Events; unique for each process
    registry_uri: str = ""  # PODIUM_REGISTRY_URI: for ModelDeployments that name none
    registry_login: Mapping[str, str] = field(
        default_factory=dict, repr=False
    )  # its login variables, for that one only
    runtime_image: str = "podium-runtime:0.1.0"  # PODIUM_RUNTIME_IMAGE
    pod_user: int | None = 65532  # PODIUM_POD_USER: of pods that Podium starts; None (assigned): the cluster's choice
    registry_poll: float = 10.0  # PODIUM_REGISTRY_POLL
    cluster_id: str = ""  # PODIUM_CLUSTER_ID: in claims of aliases; the UID of namespace kube-system where it is empty
    namespace: str = "podium-system"  # PODIUM_NAMESPACE: where the Lease is
    watched: tuple[str, ...] = ()  # PODIUM_WATCH_NAMESPACES, separated by commas; all where there is none
    leader_election: bool = True  # PODIUM_LEADER_ELECTION=on|off
    shards: int = 1  # PODIUM_SHARDS: namespaces are hashed over so many Leases, which any number of replicas share
    scrape: Scrape = "direct"  # PODIUM_SCRAPE: proxy reaches pods from outside the cluster
    prometheus_uri: str = ""  # PODIUM_PROMETHEUS_URI: for guards that ask it; none where it is empty
    resync: float = 300.0  # PODIUM_RESYNC: compare all with a list, whatever was missed
    workers: int = 8  # PODIUM_WORKERS: reconciles at the same time
    template_budget: int = 1  # PODIUM_TEMPLATE_BUDGET: trials of an upgrade's templates at the same time; 0 for none
    http_port: int = 8081  # PODIUM_HTTP_PORT: health and metrics; 0 takes any free one
    log_format: LogFormat = "json"  # PODIUM_LOG_FORMAT=json|text
    log_level: str = "INFO"  # PODIUM_LOG_LEVEL

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str] = os.environ,
        *,
        in_cluster: bool = False,
        login_variables: Sequence[str] = (),
    ) -> Self:
        """Read the variables, and those of the registry's login. Raises Rejected where one cannot be understood."""
        read = _Reader(environ)
        return cls(
            identity=f"{read.text('PODIUM_POD_NAME', socket.gethostname())}_{uuid.uuid4().hex[:8]}",
            registry_uri=read.text("PODIUM_REGISTRY_URI", ""),
            registry_login={name: environ[name] for name in login_variables if environ.get(name)},
            runtime_image=read.text("PODIUM_RUNTIME_IMAGE", cls.runtime_image),
            pod_user=read.user("PODIUM_POD_USER", cls.pod_user),
            registry_poll=read.seconds("PODIUM_REGISTRY_POLL", cls.registry_poll),
            cluster_id=read.cluster("PODIUM_CLUSTER_ID"),
            namespace=read.text("PODIUM_NAMESPACE", cls.namespace),
            watched=tuple(filter(None, read.text("PODIUM_WATCH_NAMESPACES", "").replace(" ", "").split(","))),
            leader_election=read.choice("PODIUM_LEADER_ELECTION", "on", ("on", "off")) == "on",
            shards=read.number("PODIUM_SHARDS", cls.shards, 1, MOST_SHARDS),
            scrape=cast(
                "Scrape", read.choice("PODIUM_SCRAPE", "direct" if in_cluster else "proxy", ("direct", "proxy"))
            ),
            prometheus_uri=read.address("PODIUM_PROMETHEUS_URI"),
            resync=read.seconds("PODIUM_RESYNC", cls.resync),
            workers=read.number("PODIUM_WORKERS", cls.workers, 1, MOST_WORKERS),
            template_budget=read.number("PODIUM_TEMPLATE_BUDGET", cls.template_budget, 0, MOST_TRIALS),
            http_port=read.number("PODIUM_HTTP_PORT", cls.http_port, 0, LAST_PORT),
            log_format=cast("LogFormat", read.choice("PODIUM_LOG_FORMAT", "json", ("json", "text"))),
            log_level=read.choice("PODIUM_LOG_LEVEL", cls.log_level, ("DEBUG", "INFO", "WARNING", "ERROR")),
        )


class _Reader:
    """Turns variables into values, and names the variable that cannot be one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "").strip() or default

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        found = self.text(name, default)
        if found not in allowed:
            raise Rejected(f"{name}: expected one of {', '.join(allowed)}, found {found!r}")
        return found

    def address(self, name: str) -> str:
        """An HTTP address; empty where there is none. One with a login is not repeated in the error."""
        found = self.text(name, "")
        if "@" in found:
            raise Rejected(f"{name}: expected an address without a login, which would be seen in logs")
        if found and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", found):
            raise Rejected(f"{name}: expected http://host:port or https://…, found {found!r}")
        return found

    def cluster(self, name: str) -> str:
        """The name of a cluster, as claims of aliases may have it; empty where there is none."""
        found = self.text(name, "")
        if found and not re.fullmatch(CLUSTER, found):
            raise Rejected(f"{name}: expected up to 63 letters, digits, '-', '_' or '.', found {found[:200]!r}")
        return found

    def number(self, name: str, default: int, least: int, most: int) -> int:
        found = self.text(name, str(default))
        if not (re.fullmatch(r"[0-9]{1,9}", found) and least <= int(found) <= most):
            raise Rejected(f"{name}: expected a whole number from {least} to {most}, found {found[:200]!r}")
        return int(found)

    def user(self, name: str, default: int | None) -> int | None:
        """A user's number; None where the cluster assigns it."""
        found = self.text(name, "" if default is None else str(default))
        if found == "assigned":
            return None
        return self.number(name, default or 1, 1, _LAST_USER)

    def seconds(self, name: str, default: float) -> float:
        found = self.text(name, "")
        if not found:
            return default
        try:
            duration = parse_duration(found)
        except ValueError as error:
            raise Rejected(f"{name}: {error}") from error
        assert isinstance(duration, timedelta)
        if not duration:
            raise Rejected(f"{name}: expected a number above 0, found {found!r}")
        return duration.total_seconds()
