"""A cluster, as tests and the demo use it.

A test's first lines:

    cluster = Cluster()
    cluster.up()
    image = cluster.build_and_load("podium-operator", containerfile, context)
    cluster.kubectl("apply", "--filename", "-", input=manifest)

Every method that talks to the cluster raises a `TestbedError` where it cannot.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from testbed import audit, health, images, kindconfig, layers, places, podnetwork, state
from testbed.choice import this_machines
from testbed.commands import run, run_logged
from testbed.errors import TestbedError, TimedOut
from testbed.locks import held
from testbed.progress import say, step
from testbed.waiting import wait_until
from testbed.way import Way

DEFAULT = "podium"
LABEL = "io.x-k8s.kind.cluster"
CERTAIN = 180.0  # seconds; a new cluster that takes longer to be ready never will be
PATIENCE = 40.0  # seconds for one that was ready before


class Cluster:
    """A kind cluster by name. Making this value starts nothing; `up` does."""

    def __init__(self, name: str = DEFAULT) -> None:
        self.name = name
        self.control_plane = f"{name}-control-plane"
        self.network = f"kind-{name}"

    @cached_property
    def way(self) -> Way:
        return this_machines()

    @property
    def kubeconfig(self) -> Path:
        """The admin's; not in `~/.kube`."""
        return state.folder(self.name) / "kubeconfig"

    @property
    def node_ports(self) -> range:
        """NodePorts that are open on 127.0.0.1 under the same number. Two clusters cannot share them."""
        return kindconfig.NODE_PORTS if self.name == DEFAULT else range(0)

    # --- up and down

    def up(self, workers: int | None = None) -> None:
        """Returns once pods can be started, reached and found by name.

        A healthy cluster made by the same recipe is left as it is. One that is broken, is made by another recipe or has
        another number of `workers` is made again; None accepts any number (and starts with none).
        """
        with held(f"cluster-{self.name}"):
            self.way.ensure_tools()
            wanted = self._wanted(workers)
            reason = self._why_not(wanted)
            if reason is None:
                say(f"cluster {self.name} is up, with {wanted.workers} workers")
                return
            say(f"making cluster {self.name} with {wanted.workers} workers: {reason}")
            self._remove()
            with step(f"cluster {self.name}"):
                self._create(wanted)

    def down(self) -> None:
        """Leaves nothing: no container, network, volume, mount or process. Images and builds stay in the cache."""
        with held(f"cluster-{self.name}"), step(f"removing cluster {self.name}"):
            self._remove()

    def _wanted(self, workers: int | None) -> state.State:
        before = state.read(self.name)
        if workers is None:
            workers = before.workers if before else 0
        recipe = layers.key_of(
            self._config(workers, Path("/")), *kindconfig.files().values(), podnetwork.conflist("here")
        )
        return state.State(way=self.way.name, workers=workers, recipe=recipe)

    def _config(self, workers: int, files: Path) -> str:
        return kindconfig.render(
            workers=workers,
            files_here=files,
            image=self.way.node_image(),
            own_network=self.way.own_network,
            ports=self.node_ports,
        )

    def _why_not(self, wanted: state.State) -> str | None:
        """Why the cluster cannot be used as it is."""
        found = state.read(self.name)
        if found is None:
            return "there is none" if not self.nodes() else "it was left half-made"
        if found.workers != wanted.workers:
            return f"it has {found.workers} workers"
        if found != wanted:
            return "it was made by another recipe"
        return self._lasting_complaint()

    def _lasting_complaint(self) -> str | None:
        """What is amiss and stays so. Nodes that run get time: they start what was killed, or are merely busy."""
        complaint = self.why_not_ready()
        if complaint and self.way.engine.running(self.nodes()):
            say(f"cluster {self.name} is not ready, giving it {PATIENCE:.0f} s: {complaint}")
            with contextlib.suppress(TimedOut):
                wait_until("the cluster is ready", lambda: self.why_not_ready() is None, PATIENCE, interval=1)
            return self.why_not_ready()
        return complaint

    def _create(self, wanted: state.State) -> None:
        here = state.folder(self.name)
        for name, text in kindconfig.files().items():
            places.write(here / "control-plane" / name, text)
        config = here / "kind.json"
        places.write(config, self._config(wanted.workers, here / "control-plane"))
        self._kind_create(config)
        if self.way.own_network:
            podnetwork.connect(self)
        self.kubectl("scale", "--namespace=kube-system", "deployment/coredns", "--replicas=1")
        self._wait_until_ready(wanted.workers + 1)
        wanted.write(self.name)

    def _kind_create(self, config: Path) -> None:
        words = ["create", "cluster", "--name", self.name, "--config", str(config)]
        # Kept after a failure: `up` removes it when it is called again, and until then one can look at it.
        words += ["--kubeconfig", str(self.kubeconfig), "--retain", "--wait=0s"]
        networks = {f"KIND_EXPERIMENTAL_{engine}_NETWORK": self.network for engine in ("DOCKER", "PODMAN")}
        log = layers.log_of(f"cluster-{self.name}")
        run_logged("kind create cluster", [self.way.kind(), *words], log, env={**self.way.engine.env, **networks})

    def _remove(self) -> None:
        engine = self.way.engine
        nodes = self.nodes()
        if nodes:
            engine.remove(nodes)
        volumes = engine.volumes(self.name)
        if volumes:
            engine.run("volume", "rm", "--force", *volumes)
        if engine.has_network(self.network):
            engine.run("network", "rm", self.network)
        self.way.sweep()
        state.forget(self.name)

    # --- what it is like

    def why_not_ready(self) -> str | None:
        """The first thing that is not as it should be; None for a cluster that works."""
        found = state.read(self.name)
        return health.complaint(self, (found.workers if found else 0) + 1)

    def _wait_until_ready(self, nodes: int) -> None:
        complaint: list[str | None] = []

        def ready() -> bool:
            complaint[:] = [health.complaint(self, nodes)]
            return complaint == [None]

        try:
            wait_until(f"cluster {self.name} is ready", ready, CERTAIN)
        except TestbedError as late:
            raise TestbedError(f"{late}; the last thing seen: {complaint[0]}") from late

    def nodes(self) -> list[str]:
        """The nodes' names, the control plane's first."""
        return sorted(self.way.engine.containers(f"{LABEL}={self.name}"))

    # --- using it

    def kubectl(
        self,
        *words: str,
        input: str | None = None,  # noqa: A002  as in subprocess.run
        timeout: float = 120,
    ) -> str:
        """What `kubectl` prints. Raises `CommandFailed`."""
        return run([self.way.kubectl(), *words], env=self.env, input=input, timeout=timeout)

    def get(self, *words: str) -> dict[str, Any]:
        """`kubectl get … --output=json`."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *words, "--output=json"))
        return found

    def wait_for_crd(self, name: str, timeout: float = 60) -> None:
        """Until a CustomResourceDefinition is served. `kubectl wait` fails on one that has no conditions yet."""

        def established() -> bool:
            conditions = self.get("crd", name).get("status", {}).get("conditions") or []
            return any((each["type"], each["status"]) == ("Established", "True") for each in conditions)

        wait_until(f"{name} is served", established, timeout)

    @property
    def env(self) -> dict[str, str]:
        """For other programs that talk to the cluster: its kubeconfig, and its `kubectl` first in the PATH."""
        path = os.pathsep.join([str(self.way.kubectl().parent), os.environ.get("PATH", os.defpath)])
        return {"KUBECONFIG": str(self.kubeconfig), "PATH": path}

    def load(self, *names: str) -> None:
        """Puts images on every node, where a node does not have them yet."""
        for image in names:
            without = [node for node in self.nodes() if not images.is_on(self, node, image)]
            if without:
                with step(f"loading {image}"):
                    for node in without:
                        self.way.put(image, node)

    def build_and_load(
        self, name: str, containerfile: Path, context: Path, arguments: Mapping[str, str] | None = None
    ) -> str:
        """Builds an image, puts it on every node and returns its full name. An unchanged source is built once."""
        image = images.build(self.way, name, containerfile, context, arguments or {})
        self.load(image)
        return image

    def audit_events(self, since: datetime | None = None) -> list[audit.AuditEvent]:
        """Writes to the API server, oldest first. `since` has a time zone."""
        log = self.on_node(self.control_plane, "cat", audit.LOG_ON_NODE)
        return [event for event in audit.events(log) if since is None or event.time >= since]

    # --- nodes

    def on_node(
        self,
        node: str,
        *command: str,
        input: str | None = None,  # noqa: A002  as in subprocess.run
        timeout: float = 120,
    ) -> str:
        """What a command prints on a node. Raises `CommandFailed`."""
        flags = ["--interactive"] if input is not None else []
        return self.way.engine.run("exec", *flags, node, *command, input=input, timeout=timeout)

    def kill_on_node(self, node: str, pattern: str, signal: str = "KILL") -> None:
        """Signals every process on a node whose command line matches. Raises `CommandFailed` where none does."""
        self.on_node(node, "pkill", f"--signal={signal}", "--full", pattern)

    def host_address(self) -> str:
        """Where pods find servers of this machine."""
        return self.on_node(self.control_plane, "ip", "-4", "route", "show", "default").split()[2]
