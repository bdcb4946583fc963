"""The port Alerting on the real API server."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.read import moment
from podium.api.v1alpha1.alerting import AlertingStatus, AlertSpec, ProviderSpec
from podium.api.v1alpha1.manifest import API_VERSION
from podium.core.facts import Key
from podium.errors import NotFound
from podium.ports import Alert, Provider

_COLLECTIONS: Final[Mapping[str, str]] = {"Alert": "alerts", "Provider": "providers"}
SpecOf = TypeVar("SpecOf", AlertSpec, ProviderSpec)


class KubernetesAlerting:
    """Implements the port Alerting."""

    def __init__(self, api: Api, watched: tuple[str, ...] = ()) -> None:
        self._api = api
        self._watched = watched  # namespaces; all where there is none

    async def alerts(self) -> Sequence[Alert]:
        made = []
        for found in await self._all("alerts"):
            spec, flaw = _spec(found, AlertSpec)
            made.append(Alert(**_stored(found), spec=spec, flaw=flaw))
        return made

    async def providers(self) -> Sequence[Provider]:
        made = []
        for found in await self._all("providers"):
            spec, flaw = _spec(found, ProviderSpec)
            made.append(Provider(**_stored(found), spec=spec, flaw=flaw))
        return made

    async def write_status(self, about: Alert | Provider, status: AlertingStatus) -> None:
        collection = f"{names.OF_GROUP}/namespaces/{{}}/{_COLLECTIONS[about.kind]}"
        path = names.path(collection, about.key.namespace, about.key.name, "status")
        body = {"apiVersion": API_VERSION, "kind": about.kind, "metadata": {"uid": about.uid}}
        said = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        await self._api.merge(path, {**body, "status": said})

    async def _all(self, plural: str) -> Sequence[Json]:
        """All of the kind; none where its CRD is not installed."""
        within = [f"{names.OF_GROUP}/namespaces/{{}}/{plural}" for _ in self._watched]
        paths = [names.path(each, namespace) for each, namespace in zip(within, self._watched, strict=True)]
        try:
            lists = await asyncio.gather(*map(self._api.list, paths or [f"{names.OF_GROUP}/{plural}"]))
        except NotFound:
            return []
        return [found for each in lists for found in each]


def _stored(found: Json) -> dict[str, Any]:
    metadata = found["metadata"]
    return {
        "key": Key(metadata["namespace"], metadata["name"]),
        "uid": metadata["uid"],
        "generation": metadata.get("generation", 1),
        "created": moment(metadata.get("creationTimestamp")),
        "status": _status(found.get("status")),
    }


def _spec(found: Json, of: type[SpecOf]) -> tuple[SpecOf | None, str]:
    """The spec, or why it cannot be read: an older CRD let it in, or a newer one knows more."""
    try:
        return of.model_validate(found.get("spec") or {}), ""
    except ValidationError as error:
        first: Mapping[str, Any] = dict(error.errors(include_url=False, include_input=False)[0])
        path = ".".join(map(str, ("spec", *first["loc"])))
        return None, f"{path} cannot be read: {first['msg']}"[:500]


def _status(found: Any) -> AlertingStatus:
    """What was written last. What cannot be read is written again."""
    try:
        return AlertingStatus.model_validate(found or {})
    except ValidationError:
        return AlertingStatus()
