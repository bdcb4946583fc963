"""Moments that something is counted from move together; those that say when something was, stay."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from podium.api.v1alpha1.evidence import Evidence
from podium.api.v1alpha1.status import Phase, Status, Trial
from podium.api.v1alpha1.traffic import Draining
from podium.controller.elapsed import Elapsed
from podium.core.facts import Key
from podium.core.status.elapsed import TIMED, last_look, moved
from tests.unit.core.factories import NOW

KEY, SECOND, HOUR = Key("ml", "churn"), timedelta(seconds=1), timedelta(hours=1)
BEGAN, LOOKED = NOW - 60 * SECOND, NOW - 3 * SECOND
MOMENTS = ("starting_since", "step_started_at", "weight_reached_at", "soaking_since")


def status(phase: Phase = Phase.CANARY, **parts: Any) -> Status:
    """A trial that began a minute ago and was looked at 3 s ago."""
    trial = Trial(
        generation=1,
        started_at=BEGAN,
        terms_hash="terms",
        steps=[],
        guards=[],
        on_inconclusive="Wait",
        step_timeout=HOUR,
        soak=HOUR,
        evidence=Evidence(observed_at=LOOKED),
        **dict.fromkeys(MOMENTS, BEGAN),
    )
    return Status(**{"phase": phase, "phase_since": BEGAN, "trial": trial, **parts})


def elapsed(known: Status, now: datetime) -> list[timedelta]:
    assert known.trial is not None
    assert known.phase_since is not None
    assert known.trial.evidence.observed_at is not None
    moments = [*(getattr(known.trial, name) for name in MOMENTS), known.phase_since, known.trial.evidence.observed_at]
    return [now - at for at in moments]


@pytest.mark.parametrize("phase", sorted(TIMED))
def test_the_last_look_is_the_latest_moment_of_what_is_under_way(phase: Phase) -> None:
    assert last_look(status(phase)) == LOOKED


@pytest.mark.parametrize("phase", sorted(set(Phase) - TIMED))
def test_nothing_moves_where_time_changes_nothing(phase: Phase) -> None:
    assert last_look(status(phase)) is None
    assert moved(status(phase), HOUR) == status(phase)


def test_the_beginning_of_a_trial_names_it_and_stays() -> None:
    trial = moved(status(), HOUR).trial
    assert trial is not None
    assert trial.started_at == BEGAN


def test_a_drain_moves_in_every_phase() -> None:
    drains = Draining(weight_removed_at=BEGAN, quiet_since=LOOKED, answers=1)
    found = status(Phase.STABLE, draining=drains)
    assert last_look(found) == LOOKED
    later = Draining(weight_removed_at=BEGAN + HOUR, quiet_since=LOOKED + HOUR, answers=1)
    assert moved(found, HOUR).draining == later


@pytest.mark.parametrize("ahead", [HOUR, -HOUR, SECOND / 8, timedelta()])
def test_a_new_leader_goes_on_from_the_last_look_whatever_its_clock_says(ahead: timedelta) -> None:
    found = Elapsed().seen(KEY, status(), LOOKED + ahead)
    assert elapsed(found, LOOKED + ahead) == elapsed(status(), LOOKED)


def test_after_its_first_look_has_been_written_time_passes() -> None:
    leader = Elapsed()
    first = leader.seen(KEY, status(), NOW)
    leader.written(KEY)
    assert leader.seen(KEY, first, NOW + 40 * SECOND) == first


def test_while_the_first_look_cannot_be_written_time_passes_too() -> None:
    leader = Elapsed()
    first = leader.seen(KEY, status(), NOW + HOUR)
    assert leader.seen(KEY, status(), NOW + HOUR + SECOND) == first


def test_a_write_that_arrived_after_all_is_not_made_up_for_twice() -> None:
    leader = Elapsed()
    first = leader.seen(KEY, status(), NOW + HOUR)
    again = leader.seen(KEY, first, NOW + HOUR + SECOND)
    assert min(elapsed(again, NOW + HOUR + SECOND)) == timedelta()


def test_a_moment_in_the_future_never_counts() -> None:
    """Another leader wrote it in between, for example one that was frozen."""
    leader = Elapsed()
    leader.seen(KEY, status(Phase.STABLE), NOW)
    leader.written(KEY)
    found = leader.seen(KEY, status(), NOW - HOUR)
    assert elapsed(found, NOW - HOUR) == elapsed(status(), LOOKED)


def test_a_new_term_of_the_same_process_begins_with_a_first_look() -> None:
    leader = Elapsed()
    leader.seen(KEY, status(), NOW)
    leader.written(KEY)
    leader.begin()
    assert elapsed(leader.seen(KEY, status(), NOW + HOUR), NOW + HOUR) == elapsed(status(), LOOKED)


def test_what_is_gone_is_forgotten() -> None:
    leader = Elapsed()
    leader.seen(KEY, status(), NOW)
    leader.written(KEY)
    leader.forget(KEY)
    assert elapsed(leader.seen(KEY, status(), NOW + HOUR), NOW + HOUR) == elapsed(status(), LOOKED)
