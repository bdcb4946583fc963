"""Which way this machine takes."""

import os

from testbed.commands import succeeds
from testbed.docker import DockerWay
from testbed.errors import TestbedError
from testbed.podman import PodmanWay
from testbed.way import Way

VARIABLE = "PODIUM_TESTBED"


def this_machines() -> Way:
    """Docker where an engine answers and the hub can be reached, podman otherwise; `$PODIUM_TESTBED` overrules it."""
    match os.environ.get(VARIABLE, ""):
        case "docker":
            return DockerWay()
        case "podman":
            return PodmanWay()
        case "":
            return DockerWay() if _docker_answers() and DockerWay().has_node_image() else PodmanWay()
        case other:
            raise TestbedError(f"{VARIABLE} is {other!r}; it may be docker or podman")


def _docker_answers() -> bool:
    return succeeds(["docker", "info"], timeout=10)
