"""A cluster of either kind, with the hands of a person beside it: what the contract suites of Cluster, Router and
PodMetrics need of both.

On the real one the ModelDeployment is held by a finalizer and is being deleted all the time: an operator that happens
to run on the shared cluster leaves such a one alone, and reads and writes go on as always.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

from podium.adapters.clock import RealClock
from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.cluster import KubernetesCluster
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.adapters.metrics.pods import ProxyFetch, ScrapedPodMetrics
from podium.adapters.routers.choice import Routers
from podium.api.v1alpha1.evidence import Slot
from podium.core.facts import Key, PodState
from podium.ports import Cluster, ModelDeployment, PodMetrics, Router
from podium.testing import Behaviour, FakeClock, FakeCluster, FakePodMetrics, FakeRouter
from testbed import gateway
from testbed.errors import CommandFailed
from tests.kubectl import Kubectl

T = TypeVar("T")
DEADLINE = 90  # seconds in which a pod must do what it is told, on two busy cores
ME = "contract-suite"
ADOPTED = {"httpRouteRef": {"name": "theirs", "rule": "model"}}


class ClusterWorld(Protocol):
    """A cluster with one ModelDeployment, `churn`, and the people who use it."""

    cluster: Cluster
    router: Router
    evidence: PodMetrics
    key: Key
    traffic: Mapping[str, Any]  # spec.traffic of what is put
    reload: str  # spec.serving.reload of it

    async def put(self, version: str = "1", **behaviours: Behaviour) -> ModelDeployment: ...
    async def edit(self, annotations: Mapping[str, str]) -> ModelDeployment: ...  # spec.serving.annotations
    async def until(self, check: Callable[[], Awaitable[T | None]]) -> T: ...
    async def told(self, md: ModelDeployment) -> list[tuple[str, str]]: ...  # Events: reason and message
    async def drift(self, slot: Slot) -> None: ...
    async def unprotect(self, slot: Slot) -> None: ...  # delete its PodDisruptionBudget
    async def delete_slot(self, slot: Slot) -> None: ...  # delete its Deployment
    async def delete_file(self, slot: Slot) -> None: ...  # delete the ConfigMap that its pods follow
    async def template(self, slot: Slot) -> str: ...  # of its pods, as text
    async def evict(self, pod: PodState) -> None: ...  # as a drain does
    async def scale(self, autoscaling: Mapping[str, Any] | None) -> ModelDeployment: ...  # spec.serving.autoscaling
    async def delete(self, md: ModelDeployment) -> None: ...  # and does not wait for its end
    async def adopt(
        self,
    ) -> None: ...  # an HTTPRoute of a person's own, `theirs`, and spec.traffic.http_route_ref for it
    async def drift_route(self) -> None: ...
    async def route_writes(self) -> object: ...  # differs after a write to what shares the traffic
    async def person_policy(self) -> None: ...  # a person's BackendTrafficPolicy for the route
    async def foreign_object(self, name: str) -> None: ...  # Deployment and Service of another owner
    async def secret(self, name: str, values: Mapping[str, str]) -> None: ...
    async def answer(self, pod: PodState, requests: int) -> None: ...


def spec(
    version: str,
    annotations: Mapping[str, str],
    traffic: Mapping[str, Any],
    autoscaling: Mapping[str, Any] | None = None,
    reload: str = "Recreate",
) -> dict[str, Any]:
    serving: dict[str, Any] = {"replicas": 1, "drain": "0s"}
    if reload != "Recreate":
        serving["reload"] = reload
    if autoscaling is not None:
        serving["autoscaling"] = dict(autoscaling)
    if annotations:  # server-side apply makes null of a mapping that has become empty
        serving["annotations"] = dict(annotations)
    shared = {"traffic": dict(traffic)} if traffic else {}
    return {"model": {"name": "churn", "version": version}, "serving": serving, **shared}


def theirs(slots: tuple[str, str]) -> dict[str, Any]:
    """A route as a team keeps it in Git, for the cluster's Gateway `public`."""
    backends = [{"name": name, "port": 80, "weight": weight} for name, weight in zip(slots, (100, 0), strict=True)]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "theirs"},
        "spec": {
            "parentRefs": [{"name": gateway.NAME, "namespace": gateway.NAMESPACE}],
            "rules": [
                {"name": "model", "matches": [{"path": {"value": "/invocations"}}], "backendRefs": backends},
                {"name": "docs", "matches": [{"path": {"value": "/docs"}}], "backendRefs": [backends[0]]},
            ],
        },
    }


class FakeClusterWorld:
    """Everything in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.key = Key("ml", "churn")
        self._cluster = FakeCluster(self.clock)
        self._router = FakeRouter(self._cluster)
        self._evidence = FakePodMetrics(self._cluster, self._router)
        self.cluster: Cluster = self._cluster
        self.router: Router = self._router
        self.evidence: PodMetrics = self._evidence
        self._version = "1"
        self.traffic: Mapping[str, Any] = {}
        self.reload = "Recreate"
        self._autoscaling: Mapping[str, Any] | None = None

    async def put(self, version: str = "1", **behaviours: Behaviour) -> ModelDeployment:
        for name, behaviour in behaviours.items():
            self._cluster.behave(name.removeprefix("v"), behaviour)
        self._version = version
        return self._cluster.put(self.key, spec(version, {}, self.traffic, reload=self.reload))

    async def edit(self, annotations: Mapping[str, str]) -> ModelDeployment:
        return self._cluster.put(
            self.key, spec(self._version, annotations, self.traffic, self._autoscaling, self.reload)
        )

    async def scale(self, autoscaling: Mapping[str, Any] | None) -> ModelDeployment:
        self._autoscaling = autoscaling
        return await self.edit({})

    async def delete(self, md: ModelDeployment) -> None:
        self._cluster.remove(md.key)

    async def until(self, check: Callable[[], Awaitable[T | None]]) -> T:
        for _ in range(DEADLINE):
            if (found := await check()) is not None:
                return found
            await self.clock.advance(1)
        raise AssertionError("it did not happen")

    async def told(self, md: ModelDeployment) -> list[tuple[str, str]]:
        return [(event.reason, event.message) for key, event in self._cluster.events if key == md.key]

    async def drift(self, slot: Slot) -> None:
        self._cluster.drift(self.key, slot)

    async def unprotect(self, slot: Slot) -> None:
        self._cluster.unprotect(self.key, slot)

    async def delete_slot(self, slot: Slot) -> None:
        self._cluster.delete_slot(self.key, slot)

    async def delete_file(self, slot: Slot) -> None:
        self._cluster.delete_file(self.key, slot)

    async def template(self, slot: Slot) -> str:
        md = await self._cluster.get(self.key)
        assert md is not None
        return self._cluster.template_now(md, slot)

    async def evict(self, pod: PodState) -> None:
        self._cluster.evict(pod.uid)

    async def adopt(self) -> None:
        self.traffic = ADOPTED

    async def route_writes(self) -> object:
        return [write for write in self._cluster.writes if write.startswith("route ")]

    async def drift_route(self) -> None:
        found = await self._cluster.get(self.key)
        assert found is not None
        self._router.drift(found)

    async def person_policy(self) -> None:
        self._router.policy_of_others = "BackendTrafficPolicy ml/by-hand"

    async def foreign_object(self, name: str) -> None:
        self._cluster.foreign_objects.add((self.key.namespace, name))

    async def secret(self, name: str, values: Mapping[str, str]) -> None:
        self._cluster.secrets[self.key.namespace, name] = dict(values)

    async def answer(self, pod: PodState, requests: int) -> None:
        self._evidence.answer(pod.uid, requests)


class RealClusterWorld:
    """The API server, pods of the stand-in, and kubectl as the person."""

    def __init__(self, api: Api, kubectl: Kubectl, image: str) -> None:
        self.key = Key(kubectl.namespace, "churn")
        self._api, self._kubectl, self._image = api, kubectl, image
        defaults = Defaults(image=image, registry_uri="http://mlflow.test")
        self.cluster: Cluster = KubernetesCluster(api, RealClock(), defaults, ME)
        self.router: Router = Routers(api, RealClock())
        self.evidence: PodMetrics = ScrapedPodMetrics(ProxyFetch(api))
        self._version = "1"
        self.traffic: Mapping[str, Any] = {}
        self.reload = "Recreate"
        self._autoscaling: Mapping[str, Any] | None = None
        self._told: dict[str, dict[str, Any]] = {}

    async def put(self, version: str = "1", **behaviours: Behaviour) -> ModelDeployment:
        self._version = version
        self._told |= {name.removeprefix("v"): asdict(behaviour) for name, behaviour in behaviours.items()}
        return await self.edit({})

    async def edit(self, annotations: Mapping[str, str]) -> ModelDeployment:
        desired = spec(self._version, annotations, self.traffic, self._autoscaling, self.reload)
        desired["serving"]["env"] = [{"name": "STAND_IN", "value": json.dumps(self._told)}]
        metadata = {"name": self.key.name}
        body = {"apiVersion": "podium.dev/v1alpha1", "kind": "ModelDeployment", "metadata": metadata, "spec": desired}
        self._kubectl.apply(json.dumps(body))
        found = await self.cluster.get(self.key)
        assert found is not None
        return found

    async def scale(self, autoscaling: Mapping[str, Any] | None) -> ModelDeployment:
        self._autoscaling = autoscaling
        return await self.edit({})

    async def delete(self, md: ModelDeployment) -> None:
        self._kubectl("delete", "md", md.key.name, "--wait=false")

    async def until(self, check: Callable[[], Awaitable[T | None]]) -> T:
        end = time.monotonic() + DEADLINE
        while (found := await check()) is None:
            assert time.monotonic() < end, self._kubectl("get", "all,endpointslices", "--output=wide")
            await asyncio.sleep(0.1)
        return found

    async def told(self, md: ModelDeployment) -> list[tuple[str, str]]:
        found = self._kubectl.get("events", f"--field-selector=involvedObject.uid={md.uid}")
        ours = (event for event in found["items"] if event["reportingInstance"] == ME)
        return [(event["reason"], event["message"]) for event in ours]

    async def drift(self, slot: Slot) -> None:
        name = names.slot_name(self.key.name, slot)
        self._kubectl("set", "env", f"deployment/{name}", "PODIUM_MODEL_DIGEST=sha256:by-hand")

    async def unprotect(self, slot: Slot) -> None:
        self._kubectl("delete", "poddisruptionbudget", names.slot_name(self.key.name, slot))

    async def delete_slot(self, slot: Slot) -> None:
        self._kubectl("delete", "deployment", names.slot_name(self.key.name, slot))

    async def delete_file(self, slot: Slot) -> None:
        self._kubectl("delete", "configmap", names.slot_name(self.key.name, slot))

    async def template(self, slot: Slot) -> str:
        return json.dumps(self._kubectl.get("deployment", names.slot_name(self.key.name, slot))["spec"]["template"])

    async def evict(self, pod: PodState) -> None:
        async def taken() -> str | None:
            with contextlib.suppress(CommandFailed):  # a budget allows nothing before its controller has counted
                return self._kubectl.evict(pod.name)
            return None

        await self.until(taken)

    async def adopt(self) -> None:
        made = theirs((names.slot_name(self.key.name, "a"), names.slot_name(self.key.name, "b")))
        made["spec"]["hostnames"] = [f"theirs.{self.key.namespace}.test"]
        self._kubectl.apply(json.dumps(made))
        self.traffic = ADOPTED

    @property
    def _shared_by(self) -> tuple[str, str]:
        """What shares the traffic, as kubectl calls it, and the path at which a person's hand spoils it."""
        if "gateway" in self.traffic:
            return f"httproute/{self.key.name}", "/spec/rules/0/backendRefs/0/weight"
        if "httpRouteRef" in self.traffic:
            return "httproute/theirs", "/spec/rules/0/backendRefs/0/weight"
        return f"service/{self.key.name}", "/spec/selector/by-hand"

    async def route_writes(self) -> object:
        found = self._kubectl.get(self._shared_by[0])["metadata"]
        # A gateway writes the status of its routes; what is asked of them has a generation.
        return found.get("generation") or found["resourceVersion"]

    async def drift_route(self) -> None:
        shared, path = self._shared_by
        patch = json.dumps([{"op": "add", "path": path, "value": "x" if "selector" in path else 7}])
        self._kubectl("patch", shared, "--type=json", f"--patch={patch}")

    async def person_policy(self) -> None:
        target = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": self._shared_by[0].split("/")[1]}
        body = {
            "apiVersion": "gateway.envoyproxy.io/v1alpha1",
            "kind": "BackendTrafficPolicy",
            "metadata": {"name": "by-hand"},
            "spec": {"targetRefs": [target], "retry": {"numRetries": 1}},
        }
        self._kubectl.apply(json.dumps(body))

    async def foreign_object(self, name: str) -> None:
        self._kubectl("create", "service", "clusterip", name, "--tcp=80:80")
        self._kubectl("create", "deployment", name, f"--image={self._image}", "--replicas=0")

    async def secret(self, name: str, values: Mapping[str, str]) -> None:
        literals = (f"--from-literal={key}={value}" for key, value in values.items())
        self._kubectl("create", "secret", "generic", name, *literals)

    async def answer(self, pod: PodState, requests: int) -> None:
        path = names.path(names.PODS, self.key.namespace, f"{pod.name}:{names.PORT}", "proxy/invocations")
        for _ in range(requests):
            # A bad answer is a 500 of the pod, and an error here: what counts is what the pod counts.
            await asyncio.gather(self._api.create(path, {"inputs": [[1]]}), return_exceptions=True)
