"""kopf's decorators, and nothing else: every event only says which ModelDeployment to reconcile.

kopf's create and update handlers are not used: they are edge-triggered, write annotations and finalizers, and retry
every 60 s. `on.event` writes nothing and returns nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import kopf

from podium.adapters.kubernetes import names, read
from podium.api.v1alpha1.manifest import GROUP, PLURAL, VERSION_NAME
from podium.api.v1alpha1.spec.routers import ROUTERS
from podium.core.facts import Key
from podium.ports import AliasClaim

OWNED = (
    ("", "v1", "pods"),
    ("", "v1", "services"),
    ("apps", "v1", "deployments"),
    ("batch", "v1", "jobs"),
    ("discovery.k8s.io", "v1", "endpointslices"),
)
# Also those of others, one of which may be adopted. Where there is no Gateway API, kopf says so once and goes on.
ROUTING = frozenset(kind.watched for kind in ROUTERS if kind.watched is not None)


class Listener(Protocol):
    """Who hears what the watches tell."""

    def told(self, key: Key, claim: AliasClaim | None) -> None:
        """A ModelDeployment is as the watch tells, and claims this alias; None where it is gone, or claims nothing."""

    def changed(self, key: Key) -> None:
        """Something that belongs to this ModelDeployment has changed."""

    def routed(self, route: Key) -> None:
        """An HTTPRoute or the like has changed, whose ever it is."""

    def relisted(self) -> None:
        """A watch has begun again: something may have been missed."""


def handlers(login: Callable[[], Awaitable[kopf.ConnectionInfo]], listener: Listener) -> kopf.OperatorRegistry:
    """A registry of kopf with all that Podium watches. The listener is called in kopf's thread."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def log_in(**_: Any) -> kopf.ConnectionInfo:
        return await login()

    @kopf.on.event(GROUP, VERSION_NAME, PLURAL, registry=registry)
    async def model_deployment(*, namespace: str | None, name: str, body: Mapping[str, Any], **event: Any) -> None:
        listener.told(Key(namespace or "", name), read.claim(body) if event["type"] != "DELETED" else None)
        if event["type"] is None:  # from a list, not from a watch
            listener.relisted()

    async def owned(*, namespace: str | None, labels: Mapping[str, str], **event: Any) -> None:
        listener.changed(Key(namespace or "", labels[names.DEPLOYMENT]))
        if event["type"] is None:
            listener.relisted()

    async def routing(*, namespace: str | None, name: str, **_: Any) -> None:
        listener.routed(Key(namespace or "", name))  # Podium's own bears the name of its ModelDeployment

    for watched in ROUTING:
        kopf.on.event(watched.group, watched.version, watched.plural, id=watched.plural, registry=registry)(routing)

    for group, version, plural in OWNED:
        kopf.on.event(group, version, plural, id=plural, labels={names.DEPLOYMENT: kopf.PRESENT}, registry=registry)(
            owned
        )
    return registry
