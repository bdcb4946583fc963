"""What a ModelDeployment asks for, and no PodiumPolicy of its namespace grants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_FEW: Final = 3  # refusals that a message names


@dataclass(frozen=True)
class Refusal:
    """One field whose value is not granted, and what to ask for. Frozen text: it says the same at each reconcile."""

    field: str  # spec.registry.uri
    found: str  # what it asks for, in words
    ask: str  # the field of a PodiumPolicy and its value, or what else to do

    def __str__(self) -> str:
        return f"{self.field}: {self.found} is not permitted: {self.ask}"


def named(refusals: Sequence[Refusal]) -> str:
    """The first of them in words, and how many more there are."""
    more = f"; and {len(refusals) - _FEW} more" if len(refusals) > _FEW else ""
    return "; ".join(map(str, refusals[:_FEW])) + more


def asks_for(refusals: Sequence[Refusal], *fields: str) -> bool:
    """Whether one of them is about one of these fields, or a part of it."""
    return any(
        each.field == field or each.field.startswith((f"{field}.", f"{field}["))
        for each in refusals
        for field in fields
    )
