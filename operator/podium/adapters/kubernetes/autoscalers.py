"""The HorizontalPodAutoscalers of ModelDeployments that ask for one: what they scale is the ModelDeployment itself."""

from typing import Final

from podium.adapters.kubernetes import names, read, render
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects
from podium.adapters.kubernetes.subset import holds
from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.manifest import API_VERSION, KIND
from podium.api.v1alpha1.spec.spec import Spec
from podium.core.facts import AutoscalerState, Key, Problem
from podium.errors import NotFound, Permanent
from podium.ports import ModelDeployment

_CPU: Final[Json] = {  # the default of spec.serving.autoscaling.metrics
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


class Autoscalers:
    """Looks for them, makes them and takes them away. What the API server refused is remembered until it takes it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._owned = OwnedObjects(api)
        self._refusals: dict[Key, Problem] = {}

    async def observe(self, md: ModelDeployment) -> AutoscalerState:
        found = await self._find(md)
        desired = md.spec is not None and md.spec.serving.autoscaling is not None
        if found is not None and md.spec is not None and desired:
            current = holds(found, autoscaler(read.owner_of(md), md.spec), quantities=True)
        else:
            current = False
        if current or not desired:
            self.forget(md.key)
        return AutoscalerState(there=found is not None, up_to_date=current, problem=self._refusals.get(md.key))

    async def run(self, md: ModelDeployment) -> None:
        """Raises Rejected where the API server does not take it, as well as where its name is taken."""
        if md.spec is None:
            raise NotFound(f"{md.key}: cannot scale, {md.flaw}")
        try:
            await self._owned.apply(names.AUTOSCALERS, autoscaler(read.owner_of(md), md.spec))
        except Permanent as error:
            self._refusals[md.key] = Problem(error.reason or reasons.AUTOSCALER_REJECTED, str(error))
            raise
        self.forget(md.key)

    async def stop(self, md: ModelDeployment) -> None:
        """Delete the autoscaler, if it is the ModelDeployment's own."""
        found = await self._find(md)
        if found is not None:
            path = names.path(names.AUTOSCALERS, md.key.namespace, md.key.name)
            await self._api.delete(path, found["metadata"]["uid"])

    def forget(self, key: Key) -> None:
        """Forget what is remembered of a ModelDeployment that is gone."""
        self._refusals.pop(key, None)

    async def _find(self, md: ModelDeployment) -> Json | None:
        """The ModelDeployment's own, never one of another owner under its name."""
        found = await self._owned.find(names.AUTOSCALERS, md.key.namespace, md.key.name)
        return found if found is not None and read.owned(found, md.uid) else None


def autoscaler(owner: render.Owner, spec: Spec) -> Json:
    """The HorizontalPodAutoscaler of spec.serving.autoscaling: what it scales is the ModelDeployment itself."""
    autoscaling = spec.serving.autoscaling
    assert autoscaling is not None
    target = {"apiVersion": API_VERSION, "kind": KIND, "name": owner.name}
    behavior = {"behavior": autoscaling.behavior} if autoscaling.behavior else {}
    return render.owned_object(
        owner,
        owner.name,
        kind=("autoscaling/v2", "HorizontalPodAutoscaler"),
        labels=render.labels_of(owner, spec),
        annotations={},
        spec={
            "scaleTargetRef": target,
            "minReplicas": autoscaling.min_replicas,
            "maxReplicas": autoscaling.max_replicas,
            "metrics": autoscaling.metrics or [_CPU],
            **behavior,
        },
    )
