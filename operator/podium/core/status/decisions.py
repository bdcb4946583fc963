"""What was decided between two statuses, and since when a version has been known: what delivery is measured by."""

from collections.abc import Sequence
from datetime import datetime

from podium.api.v1alpha1.status import HistoryEntry, Status


def decisions(before: Status, after: Status) -> Sequence[HistoryEntry]:
    """The final decisions that `after` has and `before` has not, the oldest first.

    A version that lost its traffic, and whose rejection still waits for the champion's own answers, is not decided yet.
    """
    known = {_key(entry) for entry in _final(before)}
    return [entry for entry in _final(after) if _key(entry) not in known]


def written(before: Status, after: Status) -> Sequence[HistoryEntry]:
    """The entries of the history that `after` has and `before` has not: also those that are not final yet."""
    known = {_key(entry) for entry in before.history}
    return [entry for entry in after.history if _key(entry) not in known]


def _final(status: Status) -> Sequence[HistoryEntry]:
    suspected = status.suspected
    open_since = (suspected.since, suspected.version) if suspected is not None else None
    return [entry for entry in status.history if (entry.at, entry.version) != open_since]


def _key(entry: HistoryEntry) -> tuple[datetime, str, str, str]:
    return entry.at, entry.model, entry.version, entry.digest


def first_sight(status: Status) -> datetime | None:
    """The earliest moment at which the status says that the challenger was known; None without a challenger.

    A phase that was left is forgotten, but a gate keeps since when it has had its state.
    """
    challenger = status.challenger
    if challenger is None:
        return None
    told = [gate.at for gate in status.gates if gate.version == challenger.version]
    begun = status.trial.started_at if status.trial is not None else None
    return min((moment for moment in (status.phase_since, begun, *told) if moment is not None), default=None)
