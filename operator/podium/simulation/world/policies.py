"""PodiumPolicies and namespaces, in memory."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from podium.api.v1alpha1.policy import PodiumPolicySpec
from podium.errors import PodiumError, Unavailable

# All that can be granted. Worlds begin with it, so that a story says only what it is about.
EVERYTHING: Final[Mapping[str, Any]] = {
    "namespaceSelector": {},
    "operatorLogin": {"models": ["*"]},
    "registries": ["http://*:*", "https://*:*", "http://*:*/*", "https://*:*/*"],
    "webhooks": {"hosts": ["*"]},
    "networks": ["0.0.0.0/0", "::/0"],
    "traffic": {
        "serviceTypes": ["ClusterIP", "NodePort", "LoadBalancer"],
        "gateways": [{"namespace": "*", "name": "*"}],
        "hostnames": ["*"],
        "adoptedRoutes": True,
    },
    "prometheus": {},
    "images": ["*"],
    "jobs": {"enabled": True},
    "podFields": {
        "volumes": ["configMap", "secret", "emptyDir", "persistentVolumeClaim", "csi", "ephemeral", "downwardAPI"],
        "serviceAccounts": ["*"],
        "runtimeClasses": ["*"],
        "priorityClasses": ["*"],
    },
}


@dataclass
class FakePolicies:
    """Implements the port Policies."""

    failure: PodiumError | None = None  # raised by everything while it is set
    installed: bool = True
    labels: dict[str, Mapping[str, str]] = field(default_factory=dict)  # of namespaces
    watched: bool = True  # whether a watch tells of changes
    _policies: dict[str, PodiumPolicySpec] = field(default_factory=dict)
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.apply("everything", **EVERYTHING)

    def apply(self, name: str, **spec: Any) -> None:
        """Apply a policy: for every namespace, unless it is said otherwise."""
        given = {"namespaceSelector": {}, **spec}
        self._policies[name] = PodiumPolicySpec.model_validate(given)
        self._tell()

    def delete(self, name: str = "everything") -> None:
        """Delete a policy."""
        del self._policies[name]
        self._tell()

    async def policies(self) -> Sequence[PodiumPolicySpec] | None:
        self._may_fail()
        return [self._policies[name] for name in sorted(self._policies)] if self.installed else None

    async def changed(self) -> None:
        if not self.watched:
            raise Unavailable("the watch of PodiumPolicies ended")
        self._waiting.append(change := asyncio.get_running_loop().create_future())
        await change

    async def namespaces(self) -> Mapping[str, Mapping[str, str]]:
        self._may_fail()
        return dict(self.labels)

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            if self.watched and not change.done():
                change.set_result(None)

    def _may_fail(self) -> None:
        if self.failure is not None:
            raise self.failure
