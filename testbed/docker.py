"""The backend with Docker: the published node image and plain `docker build`."""

import platform
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from testbed import layers, places, tools
from testbed.commands import pipe, run_logged
from testbed.engine import Engine
from testbed.errors import MissingTools, TestbedError
from testbed.forecast import Usual
from testbed.images import IMPORT
from testbed.nodeimage import kind as kind_from_module

# From the release notes of kind 0.33.0; the digest is what makes it that release's build.
NODE_IMAGE = "kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d"
BASE_IMAGE = "python:3.12-slim-bookworm"


@dataclass(frozen=True)
class DockerBackend:
    """A Docker engine, and a hub that it can pull from."""

    engine: Engine = field(default_factory=lambda: Engine("docker", daemon=True))
    name: str = "docker"
    own_network: bool = False

    def has_node_image(self) -> bool:
        """Whether the node image is here or can be had."""
        if self.engine.has_image(NODE_IMAGE):
            return True
        try:
            self._pull()
        except TestbedError:
            return False
        return True

    def _pull(self) -> None:
        self.engine.run("pull", "--quiet", NODE_IMAGE, timeout=600)

    def ensure_tools(self) -> None:
        """Install what is missing."""
        tools.ensure((), root=False, go=True)

    def kind(self) -> Path:
        """The path of kind."""
        return kind_from_module()

    def kubectl(self) -> Path:
        """The machine's own, or on Linux the one in the node image."""
        if found := shutil.which("kubectl"):
            return Path(found)
        if platform.system() != "Linux":
            raise MissingTools(["kubectl"])
        key = layers.key_of(NODE_IMAGE)
        return layers.kept_folder("kubectl", key, self._copy_kubectl) / "kubectl"

    def _copy_kubectl(self, target: Path) -> None:
        container = self.engine.run("create", NODE_IMAGE).strip()
        try:
            self.engine.run("cp", f"{container}:/usr/bin/kubectl", str(target / "kubectl"))
        finally:
            self.engine.run("rm", "--volumes", container)

    def node_image(self) -> str:
        """The node image's name; it is pulled if it is not here."""
        if not self.engine.has_image(NODE_IMAGE):
            self._pull()
        return NODE_IMAGE

    def base_image(self) -> str:
        """The name of the base image of all images."""
        return BASE_IMAGE

    def sweep(self) -> None:
        """Docker leaves nothing."""

    def put(self, image: str, node: str) -> None:
        """Load an image into one node."""
        pipe(["docker", "save", image], self.engine.into(node, *IMPORT))

    def build(self, image: str, containerfile: Path, context: Path, arguments: dict[str, str]) -> None:
        """Build an image. Raises CommandFailed with the log's end."""
        words = ["docker", "build", "--tag", image, "--file", str(containerfile)]
        words += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        log = layers.log_of(places.flat(image))
        name = image.rsplit("/", 1)[-1].partition(":")[0]
        run_logged(f"building {name}", [*words, str(context)], log, forecast=Usual(name))
