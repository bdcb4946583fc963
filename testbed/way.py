"""What a cluster needs of the machine. There are two ways to have it: `docker` and `podman`.

They differ in where the node image comes from, in the pod network and in the tool that builds images.
"""

from pathlib import Path
from typing import Protocol

from testbed.engine import Engine


class Way(Protocol):
    """What a cluster needs of the machine."""

    @property
    def name(self) -> str: ...

    @property
    def engine(self) -> Engine: ...

    @property
    def own_network(self) -> bool:
        """Whether the pod network is ours to make."""
        ...

    def ensure_tools(self) -> None:
        """Raises `MissingTools`."""
        ...

    def kind(self) -> Path: ...

    def kubectl(self) -> Path: ...

    def node_image(self) -> str: ...

    def base_image(self) -> str:
        """What `FROM ${BASE}` stands for when Podium's own images are built."""
        ...

    def sweep(self) -> None:
        """Takes away what the engine leaves behind when containers are gone."""
        ...

    def put(self, image: str, node: str) -> None:
        """Gives an image to a node's containerd, which unpacks it at once."""
        ...

    def build(self, image: str, containerfile: Path, context: Path, arguments: dict[str, str]) -> None: ...
