"""What `podium get` shows: a ModelDeployment, and the pods of its slots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from podium.adapters.kubernetes.read import pods_of
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.values.base import format_time
from podium.cli.live import Connection
from podium.cli.objects import InputError
from podium.core.facts import PodState
from podium.core.not_ready import why_not_ready
from podium.core.printable import plain
from podium.core.status.explained import Explanation
from podium.core.status.explanation import Unexplained, explanation
from podium.errors import NotFound, Permanent


@dataclass(frozen=True)
class Pod:
    """One pod of a slot."""

    name: str
    slot: str
    version: str
    ready: bool
    why: str  # it is not ready; "" where it is, and where nothing is in its way


@dataclass(frozen=True)
class View:
    """All that is shown of one ModelDeployment."""

    deployment: Explanation
    pods: Sequence[Pod]
    pods_problem: str  # why the pods could not be read


async def view(connection: Connection, name: str) -> View:
    """What there is now. Raises InputError where the object cannot be explained, and the errors of `podium.errors`."""
    said = said_of(await connection.model_deployment(name), name)
    try:
        found = await connection.pods(name)
    except NotFound:
        raise
    except Permanent as error:  # no right to list pods: the rest is worth showing
        return View(said, [], str(error))
    pods = [_pod(pod, slot) for slot in get_args(Slot) for pod in pods_of(found, slot)[0]]
    return View(said, pods, "")


def said_of(value: Mapping[str, Any], name: str) -> Explanation:
    """The explanation of an object. Raises InputError where this version cannot read it."""
    try:
        return explanation(value)
    except Unexplained as error:
        raise InputError(f"this version of podium cannot explain {name}: {error}") from error


def in_one_line(said: Explanation) -> str:
    """Where it stands."""
    versions = f"{said.champion or '-'} -> {said.challenger}" if said.challenger else said.champion or "-"
    weight = f" {said.weight}%" if said.weight is not None else ""
    paused = ", paused" if said.paused else ""
    return plain(f"{said.phase}{paused} {versions}{weight} Ready={said.condition('Ready')}: {said.message}")


def stamped(line: str, now: datetime) -> str:
    """The line with the time at which it was seen."""
    return f"{format_time(now.replace(microsecond=0))} {line}"


def _pod(pod: PodState, slot: str) -> Pod:
    return Pod(pod.name, slot, pod.version, pod.ready, why_not_ready(pod))
