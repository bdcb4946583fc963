"""The watch of the champion as it is written: at rest, the status is not to change at every look."""

from datetime import timedelta
from math import inf
from typing import Final

from podium.api.v1alpha1.after_soak import ChampionWatch
from podium.api.v1alpha1.status import Status
from podium.core.analysis.after_soak import is_blind, next_look
from podium.core.facts import Facts
from podium.core.unsaved import NewerWatch

KEEP: Final = timedelta(hours=1)  # counts are written down this often; a restart sees the rest as one block
_LEAST: Final = 0.5  # seconds: a look that was due and could not be made is made a little later


def older_watch(before: ChampionWatch | None, after: ChampionWatch | None, facts: Facts) -> ChampionWatch | None:
    """The watch as it is written: what it has found at once, and what it has counted every hour."""
    if before is None or after is None or before.since != after.since or before.failure != after.failure:
        return after
    asked = facts.spec.rollout.after_soak
    if asked is not None and is_blind(before, asked, facts.now) != is_blind(after, asked, facts.now):
        return after
    taken = before.evidence.observed_at
    return before if taken is not None and timedelta() <= facts.now - taken < KEEP else after


def newer_watch(before: Status, written: Status, observed_status: Status) -> NewerWatch | None:
    """The watch that was observed and not written, for the next reconcile. What was found is always written."""
    watch, now = observed_status.after_soak, written.after_soak
    if watch is None or now is None or now == watch or now.failure != watch.failure:
        return None
    return NewerWatch.beside(before.after_soak, watch)


def seconds_to_look(watch: ChampionWatch | None, facts: Facts) -> float:
    """In how many seconds the champion's pods are to be asked again; never where it is not watched."""
    asked, trial = facts.spec.rollout.after_soak, facts.status.trial
    if watch is None or asked is None or (trial is not None and trial.recovers is not None):
        return inf
    left = min(next_look(watch, asked) - facts.now, asked.interval)  # a clock can have gone back
    return max(_LEAST, left.total_seconds())
