"""The result of a gate: passed, failed or pending."""

from dataclasses import dataclass

from podium.api.v1alpha1.status import GateState


@dataclass(frozen=True)
class GateResult:
    """A gate's state, and a message: what was found and what is required, or what it waits for."""

    state: GateState
    message: str = ""


def passed(message: str = "") -> GateResult:
    """A gate that passed."""
    return GateResult("Passed", message)


def failed(message: str) -> GateResult:
    """A gate that failed, and why."""
    return GateResult("Failed", message)


def pending(message: str) -> GateResult:
    """A gate that waits, and for what."""
    return GateResult("Pending", message)
