"""The name of this cluster among those that share a registry: a setting, or the UID of its namespace kube-system.

It is read once, beside the reconciles. Until it is known no alias is claimed, and so none is written.
"""

import asyncio
import logging
from typing import Final

from podium.controller.waiting import within
from podium.core.alias_owner import AliasOwner
from podium.core.facts import Key
from podium.errors import PodiumError, Unavailable
from podium.ports import Clock, Cluster

_FIRST: Final = 2.0  # seconds that a reconcile waits for the first try
_RETRY: Final = 30.0
_log = logging.getLogger(__name__)


class ClusterIdentity:
    """Which cluster this is."""

    def __init__(self, cluster: Cluster, clock: Clock, configured: str = "") -> None:
        """`configured` is the setting; "" where the cluster is asked."""
        self._cluster = cluster
        self._clock = clock
        self._tried = asyncio.Event()
        self.name = configured  # "" until it is known

    async def run(self) -> None:
        """Ask until it is known."""
        while not self.name:
            try:
                self.name = await self._cluster.cluster_id()
            except PodiumError as error:
                _log.error(
                    "could not read the UID of namespace kube-system, so that no alias is claimed or written: apply "
                    "manifests/rbac.yaml, or set PODIUM_CLUSTER_ID: %s",
                    error,
                )
            self._tried.set()
            if not self.name:
                await self._clock.sleep(_RETRY)

    def owner(self, key: Key) -> str:
        """How claims name a ModelDeployment of this cluster; "" until the cluster is known."""
        return str(AliasOwner(self.name, key)) if self.name else ""

    async def tried(self) -> None:
        """Return once it is known, or was asked for in vain."""
        if self.name or self._tried.is_set():
            return
        try:
            await within(self._clock, _FIRST, self._tried.wait(), "reading the cluster's UID")
        except Unavailable as error:
            _log.warning("%s", error)
