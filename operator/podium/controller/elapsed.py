"""By how much the moments in a status have to move, so that durations go on as they were at the last look."""

from datetime import datetime, timedelta
from typing import Final

from podium.api.v1alpha1.status import Status
from podium.core.facts import Key
from podium.core.status.elapsed import last_look, moved

_NONE: Final = timedelta()
_AS_WRITTEN: Final = timedelta(milliseconds=1)  # moments are kept to this


class Elapsed:
    """What a leader knows of time that no operator saw pass, by ModelDeployment."""

    def __init__(self) -> None:
        self._unseen: dict[Key, timedelta] = {}  # and not in the status yet

    def begin(self) -> None:
        """A term of leadership begins: what came before was not seen, or by another clock."""
        self._unseen.clear()

    def forget(self, key: Key) -> None:
        """It is gone."""
        self._unseen.pop(key, None)

    def written(self, key: Key) -> None:
        """The status says now what the last look made of it."""
        self._unseen[key] = _NONE

    def seen(self, key: Key, status: Status, now: datetime) -> Status:
        """The status as this leader has to read it: nothing in it lies in the future, and no gap has passed.

        While it cannot be written, the same is told again, so that time goes on; once another write of it turns out to
        have arrived, no moment moves beyond the present one.
        """
        last = last_look(status)
        if last is None:
            self._unseen[key] = _NONE
            return status
        passed = (now - last) // _AS_WRITTEN * _AS_WRITTEN
        by = min(self._unseen.get(key, passed), passed)
        self._unseen[key] = max(by, _NONE)
        return moved(status, by)
