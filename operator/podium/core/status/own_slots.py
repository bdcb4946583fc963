"""Two versions in one slot cannot be: the second one would be written over the first, which serves."""

from typing import Final

from podium.api.v1alpha1.status import Phase, Pinned, Status
from podium.core.facts import Facts, SlotState, other_than

_APART: Final = frozenset({Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING, Phase.ROLLING_BACK})


def with_own_slots(facts: Facts) -> Status:
    """The status with each version in a slot of its own. Which one is where it says, its Deployment says."""
    status = facts.status
    role = "former" if status.phase is Phase.SOAKING else "challenger"
    champion, other = status.champion, getattr(status, role)
    if status.phase not in _APART or champion is None or other is None or champion.slot != other.slot:
        return status
    seen = facts.observed.slot(other.slot)
    moved, pinned = (role, other) if _is(champion, seen) or not _is(other, seen) else ("champion", champion)
    return status.model_copy(update={moved: pinned.model_copy(update={"slot": other_than(pinned.slot)})})


def _is(pinned: Pinned, seen: SlotState) -> bool:
    runs = seen.runs
    return runs is not None and runs.same_version(pinned) and runs.template == pinned.template
