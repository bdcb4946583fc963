"""What is there in the world, read without a fault and without a delay: for people who look on, and for tests."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, Status
from podium.core.actions import RouteOverrides
from podium.core.facts import Key
from podium.core.status.record import tag_of
from podium.ports import ModelDeployment
from podium.simulation.world.cluster import FakeCluster
from podium.simulation.world.loop import LoopClock
from podium.simulation.world.pods import Behaviour, Pod
from podium.simulation.world.registry import FakeRegistry, FakeVersion
from podium.simulation.world.router import FakeRouter

KEY: Final = Key("ml", "churn")
MODEL: Final = "churn"


class View:
    """The parts of a world, and what they show of its one ModelDeployment."""

    clock: LoopClock
    cluster: FakeCluster
    router: FakeRouter
    registry: FakeRegistry

    @property
    def now(self) -> datetime:
        """The moment in the world."""
        return self.clock.now()

    @property
    def spec(self) -> Spec:
        """What Git says."""
        spec = self.md().spec
        assert spec is not None
        return spec

    @property
    def status(self) -> Status:
        """What was written last."""
        return self.md().status

    @property
    def weights(self) -> Mapping[Slot, int]:
        """The weights that the route asks for, by slot."""
        return self.router.weights(self.md())

    @property
    def taken(self) -> Mapping[Slot, int]:
        """The weights that the route's controller has taken, by slot."""
        return self.router.taken(self.md())[0]

    @property
    def overrides(self) -> RouteOverrides:
        """Who is led elsewhere than the weights say."""
        return self.router.overrides(self.md())

    @property
    def alias(self) -> str:
        """The version that the registry's champion alias names; empty where there is none."""
        return self.registry.models[MODEL].aliases.get("champion", "")

    def md(self) -> ModelDeployment:
        """The ModelDeployment as it is stored."""
        found = self.cluster.now(KEY)
        assert found is not None
        return found

    def recorded(self, version: str, what: str = "decision") -> str:
        """What the registry's tags of a version say of the decision; "" where they say nothing."""
        return tag_of(self.registry.models[MODEL].versions[version].tags, KEY, what)

    def champion(self) -> str:
        """The champion's version; empty where there is none."""
        return self.status.champion.version if self.status.champion else ""

    def champions(self) -> set[str]:
        """The champions of all ModelDeployments."""
        return {md.status.champion.version for md in self.cluster.all_now() if md.status.champion}

    def in_force(self) -> Mapping[Slot, float]:
        """The shares of requests that the slots get, which differ from the weights where pods make them."""
        return self.router.in_force(self.md())

    def size(self, slot: Slot) -> int:
        """The replicas that the slot's Deployment is asked for."""
        return self.cluster.slot_now(self.md(), slot).replicas

    def runs(self, slot: Slot) -> Pinned | None:
        """What the slot's Deployment is for."""
        return self.cluster.slot_now(self.md(), slot).runs

    def ready_pods(self, slot: Slot) -> list[Pod]:
        """The slot's pods that are ready."""
        return self.cluster.ready_pods(KEY, slot)

    def verified(self, slot: Slot) -> int:
        """Pods that are ready and serve what the slot is to run."""
        runs, found = self.runs(slot), self.ready_pods(slot)
        return sum(pod.pinned == runs and pod.behaviour.digest in {None, pod.pinned.digest} for pod in found)

    def digest(self, version: str, model: str = MODEL) -> str:
        """The digest of a version's artifacts."""
        return self.registered(version, model).digest

    def registered(self, version: str, model: str = MODEL) -> FakeVersion:
        """A version as the registry has it."""
        return self.registry.models[model].versions[version]

    def behaviour(self, version: str) -> Behaviour:
        """How the pods of a version behave."""
        return self.cluster.behaviour(version)
