"""A cluster in memory: ModelDeployments with resource versions, slots whose pods take time to start and to stop.

Everything follows from the clock and from what was asked: the same calls at the same times show the same cluster.

    cluster = FakeCluster(clock)
    cluster.behave("3", Behaviour(ready_after=1.0, crash_after=20.0, exit_code=1))
    seen = cluster.put(Key("ml", "churn"), {"model": {"name": "churn", "version": "3"}})
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import ARM_SLOTS, Slot
from podium.api.v1alpha1.source import address
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, PodTemplate, Status
from podium.core.facts import SLOTS, AutoscalerState, Crash, Key, SlotState
from podium.errors import Conflict, NotFound, Rejected
from podium.ports import Clock, ModelDeployment
from podium.simulation.world.autoscalers import FakeAutoscalers
from podium.simulation.world.objects import FakeObjects
from podium.simulation.world.pods import (
    Behaviour,
    Deployment,
    Pod,
    schedule,
)
from podium.simulation.world.stored import Stored, read
from podium.simulation.world.templates import pod_template, template_of

_ALL_SLOTS: Final = (*SLOTS, *ARM_SLOTS)


class FakeCluster(FakeObjects):
    """Implements the port Cluster."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.foreign_objects: set[tuple[str, str]] = set()  # (namespace, name) of Deployments and Services of others
        self.autoscalers = FakeAutoscalers()
        self.rendering = ""  # what the operator's build makes of a spec; another one makes another template
        self.runtime_image = "podium-runtime:1"  # the operator's default
        self.default_registry = ""  # the operator's, for a spec that names none
        self.capacity: int | None = None  # pods that the nodes have room for
        self.pods_are_read_only = False  # the operator has no right to write pods
        self.quotas: dict[Slot, int] = {}  # pods that a slot may have, so far as a ResourceQuota leaves room
        self.clock = clock
        self._behaviours: dict[str, Behaviour] = {}
        self._images: dict[str, Behaviour] = {}
        self._registries: dict[str, Behaviour] = {}
        self._deployments: dict[tuple[Key, Slot], Deployment] = {}
        self._kept: dict[tuple[Key, Slot], tuple[Pinned, str]] = {}

    # --- what a test does ---------------------------------------------------------------------------------------------

    def put(self, key: Key, spec: Mapping[str, Any] | Spec) -> ModelDeployment:
        """Apply a ModelDeployment, as `kubectl apply` does."""
        given, known = spec if isinstance(spec, Spec) else dict(spec), self._stored.get(key)
        if known is None:
            number = next(self._numbers)
            known = self._stored[key] = Stored(f"uid-{number}", given, self.clock.now(), number)
        elif known.given != given:
            known.given, known.generation, known.version = given, known.generation + 1, next(self._numbers)
        known.spec, known.flaw = read(given)
        return self._seen(key)

    def hold_deletion(self, key: Key) -> None:
        """Delete a ModelDeployment that a finalizer of others holds."""
        self._stored[key].deleting, self._stored[key].version = True, next(self._numbers)

    def remove(self, key: Key) -> None:
        """Delete a ModelDeployment, once it is let go. What belongs to it is garbage-collected."""
        if self._stored[key].held:
            self.hold_deletion(key)
            return
        del self._stored[key]
        self.autoscalers.forget(key)
        for slot in _ALL_SLOTS:
            self._deployments.pop((key, slot), None)
            self._kept.pop((key, slot), None)

    def behave(self, version: str, behaviour: Behaviour) -> None:
        """Say how the pods of a version behave, from now on."""
        self._behaviours[version] = behaviour
        for pod in itertools.chain.from_iterable(deployment.pods for deployment in self._deployments.values()):
            if pod.pinned.version == version:
                pod.behaviour, pod.crashed_at = behaviour, None

    def behaviour(self, version: str) -> Behaviour:
        """How the pods of a version behave."""
        if version not in self._behaviours:
            self._behaviours[version] = Behaviour()
        return self._behaviours[version]

    def behave_image(self, image: str, behaviour: Behaviour) -> None:
        """Say how pods of an image behave that are made from now on, whatever their version."""
        self._images[image] = behaviour

    def behave_registry(self, uri: str, behaviour: Behaviour) -> None:
        """Say how pods behave that are made from now on and load from this address, whatever their version."""
        self._registries[address(uri)] = behaviour

    def drift(self, key: Key, slot: Slot) -> None:
        """Change a slot's Deployment by hand."""
        self._deployments[key, slot].drift()

    def scale_slot(self, key: Key, slot: Slot, replicas: int) -> None:
        """Scale a slot's Deployment by hand."""
        self._deployments[key, slot].scale(replicas)
        self._settle((key, slot))

    def delete_slot(self, key: Key, slot: Slot) -> None:
        """Delete a slot's Deployment, and its pods with it."""
        self._deployments.pop((key, slot), None)

    def empty_status(self, key: Key) -> None:
        """Empty the status, as a restored backup does."""
        self._stored[key].status, self._stored[key].version = Status(), next(self._numbers)

    def delete_file(self, key: Key, slot: Slot) -> None:
        """Delete the ConfigMap that a slot's pods follow. Those that run keep what they have."""
        self._deployments[key, slot].file_is_there = False

    def unprotect(self, key: Key, slot: Slot) -> None:
        """Delete a slot's PodDisruptionBudget."""
        self._deployments[key, slot].protected = False
        self._kept.pop((key, slot), None)

    def evict(self, uid: str) -> None:
        """Evict a pod, as a drain does: it stops, and its Deployment makes another one."""
        if pod := self.pod(uid):
            pod.stopping_since = self.clock.monotonic()

    def reboot(self, uid: str, seconds: float) -> None:
        """Reboot a pod's node: its container is started again once the node is back."""
        if pod := self.pod(uid):
            pod.back_at = self.clock.monotonic() + seconds
            pod.lost = Crash(self.clock.now(), 255, "Unknown")

    # --- the port -----------------------------------------------------------------------------------------------------

    async def slots(self, md: ModelDeployment) -> Mapping[Slot, SlotState]:
        self._may_fail()
        return self.slots_now(md)

    async def run_slot(self, md: ModelDeployment, pinned: Pinned, replicas: int, revision: str | None = None) -> None:
        self._may_fail()
        self._refuse_stranger(md, pinned.slot)
        self._refuse_other(md, pinned.slot, revision)
        if md.spec is None:
            raise NotFound(f"{md.key}: cannot run pods, {md.flaw}")
        place = md.key, pinned.slot
        version, kept = self._kept.get(place, (None, ""))  # beside it, by its PodDisruptionBudget
        serving = kept if version == pinned else self._template(md.spec)
        known = self._deployments.get(place)
        if known is None or known.owner != md.uid:
            known = Deployment(md.key, pinned.slot, md.uid, pinned, replicas, serving, serving, self.clock.monotonic())
        known.run(pinned, replicas, serving, self.clock.monotonic())
        self._kept[place] = pinned, known.made_from
        self._deployments[place] = known
        self._settle(place)
        self.writes.append(f"run {md.key} slot {pinned.slot}: version {pinned.version} with {replicas}")

    async def tell_pods(self, md: ModelDeployment, pinned: Pinned, pods: Sequence[str]) -> None:
        self._may_fail()
        if self.pods_are_read_only:
            raise Rejected("pods is forbidden: cannot patch resource")
        self._deployments[md.key, pinned.slot].tell(pinned, pods, self.clock.monotonic())
        self.writes.append(f"tell pods of {md.key} slot {pinned.slot}: version {pinned.version}")

    async def renew_pods(self, md: ModelDeployment, pinned: Pinned, mark: str) -> None:
        self._may_fail()
        self._deployments[md.key, pinned.slot].renewed = mark
        self._settle((md.key, pinned.slot))
        self.writes.append(f"renew pods of {md.key} slot {pinned.slot}")

    async def stop_slot(self, md: ModelDeployment, slot: Slot, revision: str | None = None) -> None:
        self._may_fail()
        if (md.key, slot) not in self._deployments:
            return
        self._refuse_stranger(md, slot)
        self._refuse_other(md, slot, revision)
        self._deployments[md.key, slot].scale(0)
        self._settle((md.key, slot))
        self.writes.append(f"stop {md.key} slot {slot}")

    async def autoscaler(self, md: ModelDeployment) -> AutoscalerState:
        self._may_fail()
        return self.autoscalers.observe(md)

    async def run_autoscaler(self, md: ModelDeployment) -> None:
        self._may_fail()
        self.autoscalers.run(md, foreign=(md.key.namespace, md.key.name) in self.foreign_objects)
        self.writes.append(f"run autoscaler {md.key}")

    async def stop_autoscaler(self, md: ModelDeployment) -> None:
        self._may_fail()
        if self.autoscalers.stop(md):
            self.writes.append(f"stop autoscaler {md.key}")

    # --- what the other fakes look at ---------------------------------------------------------------------------------

    def slots_now(self, md: ModelDeployment) -> Mapping[Slot, SlotState]:
        """The slots as they are, whatever fails."""
        arms = [slot for slot in ARM_SLOTS if (md.key, slot) in self._deployments]
        return {slot: self.slot_now(md, slot) for slot in (*SLOTS, *arms)}

    def slot_now(self, md: ModelDeployment, slot: Slot) -> SlotState:
        """One slot as it is, whatever fails."""
        deployment = self._deployments.get((md.key, slot))
        if deployment is None or deployment.owner != md.uid:
            return SlotState()
        self._settle((md.key, slot))
        return deployment.seen(self.clock, readable=md.spec is not None)

    def desired_now(self, md: ModelDeployment) -> list[tuple[object, ...]]:
        """What the slots were asked for: what they run, their sizes, and what their pods were told."""
        made = [(slot, self._deployments.get((md.key, slot))) for slot in _ALL_SLOTS]
        return [
            (slot, of.runs, of.replicas, [pod.told for pod in of.living()])
            for slot, of in made
            if of is not None and of.owner == md.uid
        ]

    def template_now(self, md: ModelDeployment, slot: Slot) -> str:
        """What the pods of the slot are made from, as text."""
        return self._deployments[md.key, slot].serving

    def pod(self, uid: str) -> Pod | None:
        """The pod of this uid."""
        pods = itertools.chain.from_iterable(deployment.pods for deployment in self._deployments.values())
        return next((pod for pod in pods if pod.uid == uid), None)

    def ready_pods(self, key: Key, slot: Slot) -> list[Pod]:
        """The pods that are ready at this moment."""
        deployment, now = self._deployments.get((key, slot)), self.clock.monotonic()
        if deployment is None:
            return []
        self._settle((key, slot))
        return [pod for pod in deployment.pods if pod.ready(now)]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _refuse_other(self, md: ModelDeployment, slot: Slot, revision: str | None) -> None:
        if revision is not None and self.slot_now(md, slot).revision != revision:
            raise Conflict(f"Deployment {md.key}-{slot} was written since it was read")

    def _refuse_stranger(self, md: ModelDeployment, slot: Slot) -> None:
        if (md.key.namespace, f"{md.key.name}-{slot}") in self.foreign_objects:
            raise Rejected(f"Deployment {md.key}-{slot} belongs to another owner", reason=reasons.NAME_CONFLICT)

    def _seen(self, key: Key) -> ModelDeployment:
        stored, spec = self._stored[key], self._stored[key].spec
        made_from = (spec, *self._made_by) if spec is not None else None
        return stored.seen(key, stored.once(pod_template, made_from) if made_from is not None else None)

    def template(self, md: ModelDeployment) -> PodTemplate | None:
        return pod_template((md.spec, *self._made_by)) if md.spec is not None else None

    def _template(self, spec: Spec) -> str:
        return template_of(spec, *self._made_by)

    @property
    def _made_by(self) -> tuple[str, str, str]:
        """What the operator adds to a spec."""
        return self.rendering, self.runtime_image, self.default_registry

    def _settle(self, place: tuple[Key, Slot]) -> None:
        deployment, stored = self._deployments[place], self._stored.get(place[0])
        drain = stored.spec.serving.drain.total_seconds() if stored and stored.spec else 0.0
        runs, deployment.quota = deployment.runs, self.quotas.get(place[1])
        of_image = self._images.get(runs.template.image) if runs.template is not None else None
        of_registry = self._registries.get(address(runs.registry))
        behaviour = of_registry or of_image or self.behaviour(runs.version)
        deployment.settle(self.clock, drain, behaviour, self._numbers)
        if self.capacity is not None:
            schedule(self._deployments.values(), self.capacity, self.clock.monotonic())
