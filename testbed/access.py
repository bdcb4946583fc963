"""A cluster that runs, as everything above it uses it: kubectl, its nodes, the images on them, its audit log.

Nothing here starts or stops a cluster; `testbed.cluster` does.
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from testbed import audit, images, kindconfig, state
from testbed.backend import Backend
from testbed.choice import choose_backend
from testbed.commands import run
from testbed.progress import step
from testbed.waiting import wait_until

DEFAULT = "podium"
LABEL = "io.x-k8s.kind.cluster"


class Access:
    """A cluster by name. Every method that talks to it raises a `TestbedError` where it cannot."""

    def __init__(self, name: str = DEFAULT) -> None:
        self.name = name
        self.control_plane = f"{name}-control-plane"

    @cached_property
    def backend(self) -> Backend:
        """Docker or podman, as this machine has it."""
        return choose_backend()

    @property
    def kubeconfig(self) -> Path:
        """The admin's; not in `~/.kube`."""
        return state.folder(self.name) / "kubeconfig"

    @property
    def node_ports(self) -> range:
        """NodePorts that are open on 127.0.0.1 under the same number. Two clusters cannot share them."""
        return kindconfig.NODE_PORTS if self.name == DEFAULT else range(0)

    @property
    def env(self) -> dict[str, str]:
        """For other programs that talk to the cluster: its kubeconfig, and its `kubectl` first in the PATH."""
        path = os.pathsep.join([str(self.backend.kubectl().parent), os.environ.get("PATH", os.defpath)])
        return {"KUBECONFIG": str(self.kubeconfig), "PATH": path}

    # --- the API server

    def kubectl(
        self,
        *words: str,
        input: str | None = None,  # noqa: A002  as in subprocess.run
        timeout: float = 120,
    ) -> str:
        """What `kubectl` prints. Raises `CommandFailed`."""
        return run([self.backend.kubectl(), *words], env=self.env, input=input, timeout=timeout)

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

    def audit_events(self, since: datetime | None = None) -> list[audit.AuditEvent]:
        """Writes to the API server, oldest first. `since` has a time zone."""
        log = self.on_node(self.control_plane, "cat", audit.LOG_ON_NODE)
        return [event for event in audit.events(log) if since is None or event.time >= since]

    # --- images

    def load(self, *names: str) -> None:
        """Puts images on every node, where a node does not have them yet."""
        for image in names:
            without = [node for node in self.nodes() if not self._has_image(node, image)]
            if without:
                with step(f"loading {image}"):
                    for node in without:
                        self.backend.put(image, node)

    def build_and_load(
        self, name: str, containerfile: Path, context: Path, arguments: Mapping[str, str] | None = None
    ) -> str:
        """Builds an image, puts it on every node and returns its full name. An unchanged source is built once."""
        image = images.build(self.backend, name, containerfile, context, arguments or {})
        self.load(image)
        return image

    def _has_image(self, node: str, image: str) -> bool:
        listing = self.on_node(node, *images.CTR, "images", "list")
        return images.is_listed(image, self.backend.engine.image_id(image), listing)

    # --- nodes

    def nodes(self) -> list[str]:
        """The nodes' names, the control plane's first."""
        return sorted(self.backend.engine.containers(f"{LABEL}={self.name}"))

    def on_node(
        self,
        node: str,
        *command: str,
        input: str | None = None,  # noqa: A002  as in subprocess.run
        timeout: float = 120,
    ) -> str:
        """What a command prints on a node. Raises `CommandFailed`."""
        flags = ["--interactive"] if input is not None else []
        return self.backend.engine.run("exec", *flags, node, *command, input=input, timeout=timeout)

    def kill_on_node(self, node: str, pattern: str, signal: str = "KILL") -> None:
        """Signals every process on a node whose command line matches. Raises `CommandFailed` where none does."""
        self.on_node(node, "pkill", f"--signal={signal}", "--full", pattern)

    def host_address(self) -> str:
        """Where pods find servers of this machine."""
        return self.on_node(self.control_plane, "ip", "-4", "route", "show", "default").split()[2]
