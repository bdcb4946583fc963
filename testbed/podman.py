"""The backend without Docker and without a hub: podman, buildah and a node image made on the spot."""

import resource
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from testbed import layers, nodeimage, oci, pipsettings, places, tools
from testbed.buildah import Buildah
from testbed.commands import feed, run
from testbed.engine import Engine
from testbed.errors import MissingTools
from testbed.images import CTR, IMPORT
from testbed.locks import held
from testbed.processes import remove_cgroup

PROCESSES = 32768
MODULES = Path("/lib/modules")
CGROUPS = Path("/sys/fs/cgroup")
NAMESPACES = Path("/run/netns")


def containers_conf(open_files: int, processes: int, systemd: bool) -> str:
    """Settings for podman, whose own limits are higher than a machine without CAP_SYS_RESOURCE grants.

    crun refuses a hybrid of both cgroup versions, so runc starts the nodes. Nodes find each other by name, which
    netavark does with aardvark-dns; the older CNI networks would need a plugin for it.
    """
    return f"""\
[containers]
default_ulimits = ["nofile={open_files}:{open_files}", "nproc={processes}:{processes}"]
log_driver = "k8s-file"

[engine]
runtime = "runc"
cgroup_manager = "{"systemd" if systemd else "cgroupfs"}"
events_logger = "file"

[network]
network_backend = "netavark"
"""


def environment() -> dict[str, str]:
    """What podman, buildah and kind need in their environment; writes podman's settings."""
    settings = places.folder("podman") / "containers.conf"
    open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    processes = PROCESSES if most == resource.RLIM_INFINITY else min(PROCESSES, most)
    places.write(settings, containers_conf(open_files, processes, Path("/run/systemd/system").is_dir()))
    return {
        "CONTAINERS_CONF": str(settings),
        "STORAGE_DRIVER": "overlay",
        "BUILDAH_ISOLATION": "chroot",
        "KIND_EXPERIMENTAL_PROVIDER": "podman",
    }


def buildah() -> Buildah:
    """Buildah with podman's settings."""
    return Buildah(environment())


@dataclass(frozen=True)
class PodmanBackend:
    """Nothing is asked of the machine but root, Go, and Debian packages."""

    engine: Engine = field(default_factory=lambda: Engine("podman", environment()))
    name: str = "podman"
    own_network: bool = True

    def ensure_tools(self) -> None:
        """Install what is missing."""
        tools.ensure(tools.FOR_PODMAN, root=True, go=True)
        # podman mounts it into the nodes; a kernel without modules has none.
        try:
            MODULES.mkdir(parents=True, exist_ok=True)
        except OSError as refused:
            raise MissingTools([f"{MODULES}: {refused}"]) from refused

    def kind(self) -> Path:
        """The path of kind, built if it is not here."""
        return nodeimage.kind()

    def kubectl(self) -> Path:
        """The path of kubectl, built if it is not here."""
        return nodeimage.component("kubectl")

    def node_image(self) -> str:
        """The node image's name, built if it is not here."""
        return nodeimage.node(self._buildah)

    def base_image(self) -> str:
        """The name of the base image of all images, built if it is not here."""
        return nodeimage.base(self._buildah)

    def sweep(self) -> None:
        """Control groups of containers whose monitors were killed, and podman's mount for network namespaces."""
        alive = self.engine.lines("ps", "--all", "--quiet", "--no-trunc")
        for path in CGROUPS.glob("*/libpod_parent/libpod-*"):
            if not any(identity in path.name for identity in alive):
                remove_cgroup(path)
        if NAMESPACES.is_mount() and not any(NAMESPACES.iterdir()):
            run(["umount", NAMESPACES], check=False)

    def put(self, image: str, node: str) -> None:
        """Load an image into one node: only the layers that the node does not have."""
        with held(oci.lock_of(image)):
            layout = oci.export(image, self.engine.env)
            there = self.engine.lines("exec", node, *CTR, "content", "list", "--quiet")
            archive = partial(oci.write_archive, layout, image, there)
            feed(archive, self.engine.into(node, *IMPORT), env=self.engine.env)

    def build(self, image: str, containerfile: Path, context: Path, arguments: dict[str, str]) -> None:
        """Build an image. Raises CommandFailed with the log's end."""
        log = layers.log_of(places.flat(image))
        self._buildah.build(image, containerfile, context, arguments, log, mounts=pipsettings.mounts())

    @property
    def _buildah(self) -> Buildah:
        return Buildah(self.engine.env)
