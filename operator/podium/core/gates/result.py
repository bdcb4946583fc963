"""What a gate says: it holds, it fails, or it waits for somebody or something. Only the last two need many words."""

from dataclasses import dataclass

from podium.api.status import GateState


@dataclass(frozen=True)
class Answer:
    """A gate's state, and in words what was found, what is wanted, or what it waits for."""

    state: GateState
    message: str = ""


def holds(message: str = "") -> Answer:
    return Answer("Passed", message)


def fails(message: str) -> Answer:
    return Answer("Failed", message)


def waits(message: str) -> Answer:
    return Answer("Pending", message)
