"""How a step ended, from the status alone, and what must never be seen in one. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import yaml

from bench.walks.changes import good
from bench.walks.draft import Draft
from demo.rollout import Seen
from podium.api.v1alpha1 import reasons

TABLE: Final = Path(__file__).parents[2] / "docs" / "reasons" / "reasons.yaml"
BLAMES: Final = frozenset({reasons.VERSION_REJECTED, reasons.TEMPLATE_REJECTED, reasons.GATES_FAILED})
WAITS: Final = frozenset({reasons.PAUSED, reasons.NEWER_VERSION_WAITS})
Kind = Literal["ready", "stalled", "paused", "refused"]


@dataclass(frozen=True)
class Wish:
    """What Git and the registry name under a generation."""

    generation: int
    model: str
    version: str  # "" where it cannot be resolved
    paused: bool = False
    follows: bool = False  # the version is an alias's: the operator hears of its move a poll later

    @classmethod
    def of(cls, draft: Draft, generation: int) -> "Wish":
        """What the draft names, under the generation that it got."""
        return cls(generation, draft.model, draft.version, draft.paused, draft.follows)


@dataclass(frozen=True)
class End:
    """How a step ended."""

    kind: Kind
    reason: str = ""


def known_reasons() -> Collection[str]:
    """The reasons that have an entry in the docs."""
    groups = yaml.safe_load(TABLE.read_text())
    return frozenset(reason for group in groups for reason in group["reasons"])


def end(seen: Seen, wish: Wish) -> End | None:
    """How it has ended; None as long as it has not."""
    if not seen.current or seen.generation < wish.generation:
        return None
    state, reason, _ = seen.condition("Ready")
    if state == "True":
        return End("ready", reason) if champion(seen) == (wish.model, wish.version) else None
    if state == "False":
        return End("stalled", reason)
    return End("paused", reason) if wish.paused and reason in WAITS else None


def blamed(found: End, draft: Draft) -> bool:
    """Whether a version that works, with nothing in its way, was rejected for all that."""
    return found.reason in BLAMES and good(draft)


def final(seen: Seen) -> bool:
    """Whether only a person can go on from there, so that nothing is to be waited for."""
    return "True" in {seen.condition("Stalled")[0], seen.condition("Ready")[0]}


def champion(seen: Seen) -> tuple[str, str]:
    """Model and version of the champion."""
    found = seen.status.get("champion") or {}
    return str(found.get("model", "")), str(found.get("version", ""))


def faults(seen: Seen, wish: Wish, known: Collection[str]) -> Iterator[str]:
    """What must not be seen in a status about this wish: a Ready that lies, a reason that no page explains."""
    if not seen.current or seen.generation != wish.generation:
        return
    for each in seen.status.get("conditions") or []:
        if each["reason"] not in known:
            yield f"{each['type']} has the reason {each['reason']}, which docs/reasons/reasons.yaml does not have"
    said = {kind for kind in ("Ready", "Reconciling", "Stalled") if seen.condition(kind)[0] == "True"}
    if len(said) != 1:
        yield f"exactly one of Ready, Reconciling and Stalled must be True; found {', '.join(sorted(said)) or 'none'}"
    model, version = champion(seen)
    if "Ready" in said and (model != wish.model or (version != wish.version and not wish.follows)):
        yield f"Ready is True with champion {model}/{version}; Git names {wish.model}/{wish.version or '(nothing)'}"
