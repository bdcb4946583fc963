"""A cluster, as tests and the demo use it.

A test's first lines:

    cluster = Cluster()
    cluster.up()
    image = cluster.build_and_load("podium-operator", containerfile, context)
    cluster.kubectl("apply", "--filename", "-", input=manifest)

What can be done with a cluster that runs is in `testbed.access`; here it is started and removed.
"""

import contextlib
from pathlib import Path

from testbed import health, kindconfig, layers, places, podnetwork, state
from testbed.access import DEFAULT, Access
from testbed.commands import run_logged
from testbed.errors import TestbedError, TimedOut
from testbed.locks import held
from testbed.progress import say, step
from testbed.waiting import wait_until

__all__ = ["DEFAULT", "Cluster"]

START_TIMEOUT = 180.0  # seconds; a new cluster that takes longer to be ready never will be
RECOVERY_TIMEOUT = 40.0  # seconds for one that was ready before


class Cluster(Access):
    """A kind cluster by name. Making this value starts nothing; `up` does."""

    def up(self, workers: int | None = None) -> None:
        """Returns once pods can be started, reached and found by name.

        A healthy cluster made by the same recipe is left as it is. One that is broken, is made by another recipe or has
        another number of `workers` is made again; None accepts any number (and starts with none).
        """
        with held(f"cluster-{self.name}"):
            self.backend.ensure_tools()
            desired = self._desired(workers)
            reason = self._why_not(desired)
            if reason is None:
                say(f"cluster {self.name} is up, with {desired.workers} workers")
                return
            say(f"making cluster {self.name} with {desired.workers} workers: {reason}")
            self._remove()
            with step(f"cluster {self.name}"):
                self._create(desired)

    def down(self) -> None:
        """Leaves nothing: no container, network, volume, mount or process. Images and builds stay in the cache."""
        with held(f"cluster-{self.name}"), step(f"removing cluster {self.name}"):
            self._remove()

    def why_not_ready(self) -> str | None:
        """The first thing that is not as it should be; None for a cluster that works."""
        found = state.read(self.name)
        return health.why_not_ready(self, (found.workers if found else 0) + 1)

    # --- what it should be, and why it is not

    def _desired(self, workers: int | None) -> state.State:
        before = state.read(self.name)
        if workers is None:
            workers = before.workers if before else 0
        recipe = layers.key_of(
            self._config(workers, Path("/")), *kindconfig.files().values(), podnetwork.conflist("here")
        )
        return state.State(backend=self.backend.name, workers=workers, recipe=recipe)

    def _config(self, workers: int, files: Path) -> str:
        return kindconfig.render(
            workers=workers,
            files_here=files,
            image=self.backend.node_image(),
            own_network=self.backend.own_network,
            ports=self.node_ports,
        )

    def _why_not(self, desired: state.State) -> str | None:
        """Why the cluster cannot be used as it is."""
        found = state.read(self.name)
        if found is None:
            return "there is none" if not self.nodes() else "it was left half-made"
        if found.workers != desired.workers:
            return f"it has {found.workers} workers"
        if found != desired:
            return "it was made by another recipe"
        return self._why_not_recovered()

    def _why_not_recovered(self) -> str | None:
        """What is amiss and stays so. Nodes that run get time: they start what was killed, or are merely busy."""
        reason = self.why_not_ready()
        if reason and self.backend.engine.running(self.nodes()):
            say(f"cluster {self.name} is not ready, giving it {RECOVERY_TIMEOUT:.0f} s: {reason}")
            with contextlib.suppress(TimedOut):
                wait_until("the cluster is ready", lambda: self.why_not_ready() is None, RECOVERY_TIMEOUT, interval=1)
            return self.why_not_ready()
        return reason

    # --- making and removing it

    def _create(self, desired: state.State) -> None:
        here = state.folder(self.name)
        for name, text in kindconfig.files().items():
            places.write(here / "control-plane" / name, text)
        config = here / "kind.json"
        places.write(config, self._config(desired.workers, here / "control-plane"))
        self._kind_create(config)
        if self.backend.own_network:
            podnetwork.connect(self)
        self.kubectl("scale", "--namespace=kube-system", "deployment/coredns", "--replicas=1")
        self._wait_until_ready(desired.workers + 1)
        desired.write(self.name)

    def _kind_create(self, config: Path) -> None:
        words = ["create", "cluster", "--name", self.name, "--config", str(config)]
        # Kept after a failure: `up` removes it when it is called again, and until then one can look at it.
        words += ["--kubeconfig", str(self.kubeconfig), "--retain", "--wait=0s"]
        networks = {f"KIND_EXPERIMENTAL_{engine}_NETWORK": self._network for engine in ("DOCKER", "PODMAN")}
        log = layers.log_of(f"cluster-{self.name}")
        run_logged(
            "kind create cluster", [self.backend.kind(), *words], log, env={**self.backend.engine.env, **networks}
        )

    def _wait_until_ready(self, nodes: int) -> None:
        reasons: list[str | None] = []

        def ready() -> bool:
            reasons[:] = [health.why_not_ready(self, nodes)]
            return reasons == [None]

        try:
            wait_until(f"cluster {self.name} is ready", ready, START_TIMEOUT)
        except TestbedError as late:
            raise TestbedError(f"{late}; the last thing seen: {reasons[0]}") from late

    def _remove(self) -> None:
        engine = self.backend.engine
        nodes = self.nodes()
        if nodes:
            engine.remove(nodes)
        volumes = engine.volumes(self.name)
        if volumes:
            engine.run("volume", "rm", "--force", *volumes)
        if engine.has_network(self._network):
            engine.run("network", "rm", self._network)
        self.backend.sweep()
        state.forget(self.name)

    @property
    def _network(self) -> str:
        """The container network of its nodes."""
        return f"kind-{self.name}"
