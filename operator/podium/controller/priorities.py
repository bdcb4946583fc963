"""How urgent a ModelDeployment is, by what was last seen of it."""

from collections.abc import Mapping
from typing import Final

from podium.api.v1alpha1.status import Phase
from podium.controller.queue import Priority
from podium.core.facts import Key
from podium.ports import ModelDeployment

RESTS: Final = frozenset({Phase.PENDING, Phase.STABLE, Phase.REJECTED, Phase.ABORTED})  # no version is judged
_BY_PHASE: Final[Mapping[Phase, Priority]] = {
    Phase.RELOADING: Priority.TRIAL,
    Phase.STARTING: Priority.TRIAL,
    Phase.CANARY: Priority.TRIAL,
    Phase.EXPERIMENTING: Priority.TRIAL,
    Phase.PROMOTING: Priority.TRIAL,
    Phase.SOAKING: Priority.TRIAL,
    Phase.ROLLING_BACK: Priority.ROLLBACK,
}


class Priorities:
    """The priority of each key; one that was not seen yet rests."""

    def __init__(self) -> None:
        self._known: dict[Key, Priority] = {}
        self._judged: set[Key] = set()  # a version of theirs was on trial, or at its gates, when they were last seen

    def of(self, key: Key) -> Priority:
        """As last noted."""
        return self._known.get(key, Priority.REST)

    def note(self, md: ModelDeployment) -> Priority:
        """Remember how urgent this is. A deletion, and a status that cannot be read, may hold a rollback back."""
        urgent = md.deleting or md.unreadable
        return self.enter(md.key, Phase.ROLLING_BACK if urgent else md.status.phase)

    def enter(self, key: Key, phase: Phase) -> Priority:
        """Remember the phase that was decided."""
        (self._judged.discard if phase in RESTS else self._judged.add)(key)
        found = self._known[key] = _BY_PHASE.get(phase, Priority.REST)
        return found

    def forget(self, key: Key) -> None:
        """It is gone."""
        self._known.pop(key, None)
        self._judged.discard(key)

    def rests(self, key: Key) -> bool:
        """Whether nothing was on trial, at its gates or about to be deleted when it was last seen, if ever."""
        return self.of(key) is Priority.REST and key not in self._judged
