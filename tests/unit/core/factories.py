"""Facts for tests: one named, stackable parameter for each thing that a decision may look at."""

from datetime import UTC, datetime

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase, Pinned, Status
from podium.core.facts import Facts, Key, ObservedState
from tests.stories.simulator import spec_of

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def pinned(version: str, slot: Slot = "a") -> Pinned:
    return Pinned(version=version, digest=f"sha256:{version}", slot=slot)


def facts(
    *,
    version: str = "2",
    phase: Phase = Phase.PENDING,
    champion: Pinned | None = None,
    challenger: Pinned | None = None,
    world: ObservedState | None = None,
    status: Status | None = None,
    spec: Spec | None = None,
    **parts: object,
) -> Facts:
    """Facts about churn in namespace ml; further parts become sections of the spec."""
    known = status or Status(phase=phase, phase_since=NOW, champion=champion, challenger=challenger)
    return Facts(Key("ml", "churn"), 1, spec or spec_of(version, **parts), known, world or ObservedState(), NOW)
