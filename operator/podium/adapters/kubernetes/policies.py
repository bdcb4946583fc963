"""The port Policies on the real API server."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.api.v1alpha1.policy import POLICY_PLURAL, PodiumPolicySpec
from podium.errors import NotFound, Rejected

_POLICIES: Final = f"{names.OF_GROUP}/{POLICY_PLURAL}"
_WATCH: Final = 300.0  # seconds: longer than the operator waits for it
_NAMESPACES: Final = "/api/v1/namespaces"
_log = logging.getLogger(__name__)


class KubernetesPolicies:
    """Implements the port Policies."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._version = ""  # of the list that was read last

    async def policies(self) -> Sequence[PodiumPolicySpec] | None:
        found = await self.named()
        return list(found.values()) if found is not None else None

    async def named(self) -> Mapping[str, PodiumPolicySpec] | None:
        """The same, each by its name."""
        try:
            found = await self._api.get(_POLICIES)
        except NotFound:
            return None
        except Rejected:
            if await self._installed():
                raise
            return None  # rights are asked first: without the kind, there is no right to it
        self._version = found["metadata"]["resourceVersion"]
        there = {str(one["metadata"]["name"]): one for one in found.get("items") or []}
        made = {name: _spec(there[name]) for name in sorted(there)}
        return {name: spec for name, spec in made.items() if spec is not None}

    async def changed(self) -> None:
        async for event in self._api.watch(_POLICIES, since=self._version, within=_WATCH):
            if event.get("type") != "BOOKMARK":
                return

    async def namespaces(self) -> Mapping[str, Mapping[str, str]]:
        found = await self._api.list(_NAMESPACES)
        return {one["metadata"]["name"]: one["metadata"].get("labels") or {} for one in found}

    async def _installed(self) -> bool:
        """Whether the API server serves the kind: every user may ask that."""
        served = await self._api.get(names.OF_GROUP)
        return any(one.get("name") == POLICY_PLURAL for one in served.get("resources") or [])


def _spec(found: Mapping[str, Any]) -> PodiumPolicySpec | None:
    """The spec; None where it cannot be read: an older CRD let it in, or a newer one knows more."""
    try:
        return PodiumPolicySpec.model_validate(found.get("spec") or {})
    except ValidationError as error:
        first: Mapping[str, Any] = dict(error.errors(include_url=False, include_input=False)[0])
        path = ".".join(map(str, ("spec", *first["loc"])))
        name = found["metadata"]["name"]
        _log.error("PodiumPolicy %s grants nothing: %s cannot be read: %s", name, path, str(first["msg"])[:300])
        return None
