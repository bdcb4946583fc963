"""The port Cluster on the real API server."""

import asyncio
import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from podium.adapters.kubernetes import names, read, render
from podium.adapters.kubernetes.api import TIMEOUT, Api, Json
from podium.adapters.kubernetes.autoscalers import Autoscalers
from podium.adapters.kubernetes.events import event_object
from podium.adapters.kubernetes.model_files import model_file, reloads
from podium.adapters.kubernetes.owned import OwnedObjects, foreign_object, persistent, refuse_other, revision_of
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.adapters.kubernetes.subset import holds
from podium.api.v1alpha1.evidence import ARM_SLOTS, Slot
from podium.api.v1alpha1.manifest import API_VERSION, KIND
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, PodTemplate, Status
from podium.core.actions import Event
from podium.core.facts import SLOTS, AutoscalerState, Key, PodState, SlotState
from podium.core.identity import Identity
from podium.errors import Conflict, NotFound, PodiumError, Rejected
from podium.ports import Clock, ModelDeployment

_BUDGETS: Final = 2.0  # seconds
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Found:
    """What a namespace holds for one ModelDeployment, by kind."""

    deployments: Mapping[str, Json]
    services: Mapping[str, Json]
    budgets: Mapping[str, Json] | None  # None where they cannot be read: a way back must not wait for them
    pods: Sequence[Json]
    files: Mapping[str, Json | None]  # ConfigMaps that pods follow; without those that cannot be read, as above


class KubernetesCluster:
    """Implements the port Cluster."""

    def __init__(
        self, api: Api, clock: Clock, defaults: Defaults, instance: str, watched: tuple[str, ...] = ()
    ) -> None:
        self._api = api
        self._clock = clock
        self._defaults = defaults
        self._instance = instance  # who tells Events: the operator's own pod
        self._watched = watched  # namespaces; all where there is none
        self._owned = OwnedObjects(api)
        self._autoscalers = Autoscalers(api)

    async def get(self, key: Key) -> ModelDeployment | None:
        found = await self._owned.find(names.MODEL_DEPLOYMENTS, key.namespace, key.name)
        if found is None:
            self._autoscalers.forget(key)
            return None
        md = read.model_deployment(found)
        return replace(md, template=self.template(md))

    def template(self, md: ModelDeployment) -> PodTemplate | None:
        return render.pod_template(read.owner_of(md), md.spec, self._defaults) if md.spec is not None else None

    async def cluster_id(self) -> str:
        found = await self._api.list("/api/v1/namespaces", fields="metadata.name=kube-system", most=1)
        if not found:
            raise NotFound("namespace kube-system is not there")
        return str(found[0]["metadata"]["uid"])

    async def served(self) -> None:
        await asyncio.gather(*(self._api.list(path, most=1) for path in self._collections))

    async def list_all(self) -> Sequence[ModelDeployment]:
        lists = await asyncio.gather(*map(self._api.list, self._collections))
        return [read.model_deployment(found) for each in lists for found in each]

    @property
    def _collections(self) -> Sequence[str]:
        """Where all ModelDeployments are that the operator watches."""
        watched = [names.path(names.MODEL_DEPLOYMENTS, namespace) for namespace in self._watched]
        return watched or [names.ALL_MODEL_DEPLOYMENTS]

    async def write_status(self, md: ModelDeployment, status: Status) -> None:
        if md.unreadable:
            raise Rejected(f"{md.key}: status not written, because the present one cannot be read: {md.flaw}")
        metadata = {
            "namespace": md.key.namespace,
            "name": md.key.name,
            "uid": md.uid,
            "resourceVersion": md.resource_version,
        }
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "status": status.stored()}
        path = names.path(names.MODEL_DEPLOYMENTS, md.key.namespace, md.key.name, "status")
        await self._api.replace(path, body)

    async def add_finalizer(self, md: ModelDeployment) -> None:
        await self._finalize(md, held=True)

    async def remove_finalizer(self, md: ModelDeployment) -> None:
        await self._finalize(md, held=False)

    async def _finalize(self, md: ModelDeployment, *, held: bool) -> None:
        """Add or take Podium's finalizer; those of others stay. Raises Conflict where another client wrote just now."""
        found = await self._owned.find(names.MODEL_DEPLOYMENTS, md.key.namespace, md.key.name)
        metadata = found["metadata"] if found is not None else {}
        if metadata.get("uid") != md.uid:
            return  # it is gone, and what is there is another one
        others = [name for name in metadata.get("finalizers") or [] if name != names.FINALIZER]
        finalizers = [*others, names.FINALIZER] if held else others
        same = {"uid": md.uid, "resourceVersion": metadata["resourceVersion"]}
        path = names.path(names.MODEL_DEPLOYMENTS, md.key.namespace, md.key.name)
        await self._api.merge(path, {"metadata": {**same, "finalizers": finalizers}})

    async def emit_event(self, md: ModelDeployment, event: Event) -> None:
        told = event_object(md, event, self._instance, self._clock.now())
        try:
            await self._api.create(names.path(names.EVENTS, md.key.namespace), told)
        except Conflict:
            return  # told before: the name is made from what happened

    async def secret(self, namespace: str, name: str) -> Mapping[str, str]:
        found = await self._api.get(names.path(names.SECRETS, namespace, name))
        data: Mapping[str, str] = found.get("data") or {}
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}

    async def slots(self, md: ModelDeployment) -> Mapping[Slot, SlotState]:
        found = await self._find(md)
        arms = [slot for slot in ARM_SLOTS if names.slot_name(md.key.name, slot) in found.deployments]
        return {slot: self._slot(md, found, slot) for slot in (*SLOTS, *arms)}

    async def run_slot(self, md: ModelDeployment, pinned: Pinned, replicas: int, revision: str | None = None) -> None:
        spec, owner = _spec(md), read.owner_of(md)
        kept = await self._kept_template(md, pinned)
        pods = kept or render.template(owner, spec, pinned, self._defaults, champion=md.status.champion)
        # The Service first: a pod must never be ready without the Service through which it is looked at. What names the
        # version comes before pods that would read it.
        await self._owned.apply(names.SERVICES, render.slot_service(owner, spec, pinned.slot))
        if reloads(pods):
            await self._name(md, spec, pinned, revision)
        await self._owned.apply(names.DEPLOYMENTS, render.deployment(owner, spec, pinned, replicas, pods), revision)
        await self._owned.apply(names.DISRUPTION_BUDGETS, render.disruption_budget(owner, spec, pinned, pods))

    async def _name(self, md: ModelDeployment, spec: Spec, pinned: Pinned, revision: str | None) -> None:
        """Let the ConfigMap name what the slot's pods are to load; not where the slot is another one by now."""
        name = names.slot_name(md.key.name, pinned.slot)
        if revision is not None:
            found = await self._owned.find(names.DEPLOYMENTS, md.key.namespace, name)
            refuse_other(found, revision, f"Deployment {md.key.namespace}/{name}")
        await self._owned.apply(names.CONFIG_MAPS, model_file(read.owner_of(md), spec, pinned))

    async def _kept_template(self, md: ModelDeployment, pinned: Pinned) -> Json | None:
        """The pinned template, from the slot's Deployment or from its PodDisruptionBudget."""
        name = names.slot_name(md.key.name, pinned.slot)
        for collection in (names.DEPLOYMENTS, names.DISRUPTION_BUDGETS):
            found = await self._owned.find(collection, md.key.namespace, name)
            kept = read.template(found, pinned) if found is not None and read.owned(found, md.uid) else None
            if kept is not None:
                return kept
        return None

    async def tell_pods(self, md: ModelDeployment, pinned: Pinned, pods: Sequence[str]) -> None:
        """A pod that is written is synchronized by kubelet at once, its volumes too."""
        told = {"metadata": {"annotations": {names.TOLD: str(Identity(pinned.version, pinned.digest))}}}
        paths = (names.path(names.PODS, md.key.namespace, pod) for pod in pods)
        ends = await asyncio.gather(*(self._api.merge(path, told) for path in paths), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, NotFound):
                raise end

    async def renew_pods(self, md: ModelDeployment, pinned: Pinned, mark: str) -> None:
        path = names.path(names.DEPLOYMENTS, md.key.namespace, names.slot_name(md.key.name, pinned.slot))
        pods = {"metadata": {"annotations": {names.RENEWED: mark}}}
        await self._api.merge(path, {"spec": {"template": pods}})

    async def stop_slot(self, md: ModelDeployment, slot: Slot, revision: str | None = None) -> None:
        await persistent(lambda: self._stop_slot(md, slot, revision))

    async def _stop_slot(self, md: ModelDeployment, slot: Slot, revision: str | None) -> None:
        namespace, name = md.key.namespace, names.slot_name(md.key.name, slot)
        found = await self._owned.find(names.DEPLOYMENTS, namespace, name)
        if found is None:
            return
        if not read.owned(found, md.uid):
            owner = render.owner_reference(read.owner_of(md))
            raise foreign_object({**found, "metadata": {**found["metadata"], "ownerReferences": [owner]}})
        if revision is not None:
            refuse_other(found, revision, f"Deployment {namespace}/{name}")
        same = {key: found["metadata"][key] for key in ("uid", "resourceVersion")}
        body = {"metadata": same, "spec": {"replicas": 0}}
        await self._api.merge(names.path(names.DEPLOYMENTS, namespace, name), body)

    async def autoscaler(self, md: ModelDeployment) -> AutoscalerState:
        return await self._autoscalers.observe(md)

    async def run_autoscaler(self, md: ModelDeployment) -> None:
        await self._autoscalers.run(md)

    async def stop_autoscaler(self, md: ModelDeployment) -> None:
        await self._autoscalers.stop(md)

    async def _find(self, md: ModelDeployment) -> _Found:
        deployments, services, budgets, pods = await asyncio.gather(
            self._list(md, names.DEPLOYMENTS),
            self._list(md, names.SERVICES),
            self._budgets(md),
            self._list(md, names.PODS),
        )
        ours = _by_name(deployments, md.uid)
        running = {name: each["spec"] for name, each in ours.items() if each["spec"].get("replicas", 1)}
        follow = [name for name, made in running.items() if reloads(made["template"])]
        files = await asyncio.gather(*(self._file(md, name) for name in follow))
        read_ones = {name: file for name, (readable, file) in zip(follow, files, strict=True) if readable}
        return _Found(ours, _by_name(services, md.uid), budgets, pods, read_ones)

    async def _list(self, md: ModelDeployment, collection: str, within: float = TIMEOUT) -> Sequence[Json]:
        path, selector = names.path(collection, md.key.namespace), f"{names.DEPLOYMENT}={md.key.name}"
        return await self._api.list(path, selector=selector, within=within)

    async def _budgets(self, md: ModelDeployment) -> Mapping[str, Json] | None:
        try:
            found = await self._list(md, names.DISRUPTION_BUDGETS, within=_BUDGETS)
        except PodiumError as error:
            _log.warning("%s: could not read its PodDisruptionBudgets: %s", md.key, error)
            return None
        return _by_name(found, md.uid)

    async def _file(self, md: ModelDeployment, name: str) -> tuple[bool, Json | None]:
        """Whether the ConfigMap of this name could be read, and it."""
        try:
            async with asyncio.timeout(_BUDGETS):
                return True, await self._owned.find(names.CONFIG_MAPS, md.key.namespace, name)
        except (PodiumError, TimeoutError) as error:
            _log.warning("%s: could not read its ConfigMap %s: %s", md.key, name, error or "timed out")
            return False, None

    def _slot(self, md: ModelDeployment, found: _Found, slot: Slot) -> SlotState:
        name = names.slot_name(md.key.name, slot)
        deployment = found.deployments.get(name)
        pods, stopping = read.pods_of(found.pods, slot)
        if deployment is None:
            return SlotState(pods=pods, stopping=stopping)
        runs = read.pinned(deployment)
        seen_slot = SlotState(
            runs=runs,
            replicas=int(deployment.get("spec", {}).get("replicas", 1)),
            rolled_out=read.rolled_out(deployment),
            stuck=read.stuck(deployment),
            pods=tuple(_started_for(pod, runs) for pod in pods),
            stopping=stopping,
            revision=revision_of(deployment),
        )
        if md.spec is None or seen_slot.runs is None:
            return replace(seen_slot, up_to_date=False)
        now = render.template(read.owner_of(md), md.spec, seen_slot.runs, self._defaults)
        made = read.template(deployment, seen_slot.runs) or now
        up_to_date = _as_made(md, md.spec, seen_slot.runs, found, made)
        uri = md.spec.registry.uri or self._defaults.registry_uri
        here = seen_slot.runs.matches(uri, seen_slot.runs.model)
        if seen_slot.runs.template is None and here and holds(deployment["spec"]["template"], now):
            # An older Podium made it, as this one would
            seen_slot = replace(seen_slot, runs=seen_slot.runs.model_copy(update={"template": md.template}))
        return replace(seen_slot, up_to_date=up_to_date)


def _as_made(md: ModelDeployment, spec: Spec, runs: Pinned, found: _Found, pods: Json) -> bool:
    """Whether the slot's objects are as Podium makes them, with these pods."""
    owner, name = read.owner_of(md), names.slot_name(md.key.name, runs.slot)
    deployment = found.deployments[name]
    replicas = int(deployment.get("spec", {}).get("replicas", 1))
    return (
        holds(deployment, render.deployment(owner, spec, runs, replicas, pods))
        and holds(found.services.get(name), render.slot_service(owner, spec, runs.slot))
        and (found.budgets is None or holds(found.budgets.get(name), render.disruption_budget(owner, spec, runs, pods)))
        and (name not in found.files or holds(found.files[name], model_file(owner, spec, runs)))
    )


def _started_for(pod: PodState, runs: Pinned | None) -> PodState:
    """A pod that reloads in place, as long as it has not said what it serves."""
    return replace(pod, version=runs.version) if pod.reloads and runs is not None else pod


def _spec(md: ModelDeployment) -> Spec:
    if md.spec is None:
        raise NotFound(f"{md.key}: cannot run pods, {md.flaw}")
    return md.spec


def _by_name(found: Sequence[Json], uid: str) -> Mapping[str, Json]:
    return {one["metadata"]["name"]: one for one in found if read.owned(one, uid)}
