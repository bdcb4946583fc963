"""The HorizontalPodAutoscalers of ModelDeployments that ask for one: what they scale is the ModelDeployment itself."""

from podium.adapters.kubernetes import names, read, render
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects
from podium.adapters.kubernetes.subset import holds
from podium.api import reasons
from podium.core.facts import AutoscalerSeen, Key, Problem
from podium.errors import Missing, Permanent
from podium.ports import ModelDeploymentSeen


class Autoscalers:
    """Looks for them, makes them and takes them away. What the API server refused is remembered until it takes it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._owned = OwnedObjects(api)
        self._refusals: dict[Key, Problem] = {}

    async def seen(self, seen: ModelDeploymentSeen) -> AutoscalerSeen:
        found = await self._find(seen)
        wanted = seen.spec is not None and seen.spec.serving.autoscaling is not None
        if found is not None and seen.spec is not None and wanted:
            current = holds(found, render.autoscaler(read.owner_of(seen), seen.spec), quantities=True)
        else:
            current = False
        if current or not wanted:
            self.forget(seen.key)
        return AutoscalerSeen(there=found is not None, current=current, problem=self._refusals.get(seen.key))

    async def run(self, seen: ModelDeploymentSeen) -> None:
        """Raises Refused where the API server does not take it, as well as where its name is taken."""
        if seen.spec is None:
            raise Missing(f"{seen.key}: nothing can be scaled, {seen.flaw}")
        try:
            await self._owned.apply(names.AUTOSCALERS, render.autoscaler(read.owner_of(seen), seen.spec))
        except Permanent as error:
            self._refusals[seen.key] = Problem(error.reason or reasons.AUTOSCALER_REFUSED, str(error))
            raise
        self.forget(seen.key)

    async def stop(self, seen: ModelDeploymentSeen) -> None:
        found = await self._find(seen)
        if found is not None:
            path = names.path(names.AUTOSCALERS, seen.key.namespace, seen.key.name)
            await self._api.delete(path, found["metadata"]["uid"])

    def forget(self, key: Key) -> None:
        self._refusals.pop(key, None)

    async def _find(self, seen: ModelDeploymentSeen) -> Json | None:
        """The ModelDeployment's own, never one that somebody else made under its name."""
        found = await self._owned.find(names.AUTOSCALERS, seen.key.namespace, seen.key.name)
        return found if found is not None and read.owned(found, seen.uid) else None
