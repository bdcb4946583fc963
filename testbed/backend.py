"""What a cluster needs of the machine. There are two: `docker` and `podman`.

They differ in where the node image comes from, in the pod network and in the tool that builds images.
"""

from pathlib import Path
from typing import Protocol

from testbed.engine import Engine


class Backend(Protocol):
    """What a cluster needs of the machine."""

    @property
    def name(self) -> str:
        """As in `$PODIUM_TESTBED`."""
        ...

    @property
    def engine(self) -> Engine:
        """The container engine whose containers are the nodes."""
        ...

    @property
    def own_network(self) -> bool:
        """Whether the pod network is ours to make."""
        ...

    def ensure_tools(self) -> None:
        """Raises `MissingTools`."""
        ...

    def kind(self) -> Path:
        """The program `kind`."""
        ...

    def kubectl(self) -> Path:
        """The program `kubectl`, of about the cluster's version."""
        ...

    def node_image(self) -> str:
        """The image of the nodes, pulled or built where the engine does not have it yet."""
        ...

    def base_image(self) -> str:
        """What `FROM ${BASE}` stands for when Podium's own images are built."""
        ...

    def sweep(self) -> None:
        """Takes away what the engine leaves behind when containers are gone."""
        ...

    def put(self, image: str, node: str) -> None:
        """Gives an image to a node's containerd, which unpacks it at once."""
        ...

    def build(self, image: str, containerfile: Path, context: Path, arguments: dict[str, str]) -> None:
        """`docker build` of one Containerfile."""
        ...
