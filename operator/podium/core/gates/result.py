"""The result of a gate: passed, failed or pending."""

from dataclasses import dataclass

from podium.api.v1alpha1.status import GateState
from podium.core.facts import Facts


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


def no_champion(facts: Facts) -> str:
    """Why the registry has nothing of the champion to compare with."""
    champion = facts.status.champion
    if champion is None or facts.of_source(champion):
        return "the champion's version is not in the registry any more"
    return f"the registry at {facts.observed.registry.uri} has not the champion's version with the same artifacts"


def pending(message: str) -> GateResult:
    """A gate that waits, and for what."""
    return GateResult("Pending", message)
