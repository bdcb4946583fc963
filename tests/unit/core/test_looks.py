"""The ring of a trial's looks: bounded, over the whole trial, and nothing that a decision hangs on."""

from datetime import timedelta
from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Counts, Evidence, MeasureCounts
from podium.api.v1alpha1.looks import LOOKS_LIMIT, GuardLooks, Looks
from podium.api.v1alpha1.status import HistoryEntry, Phase, Status, Trial, Verdict
from podium.core.facts import Facts
from podium.core.rollout.lifecycle import begin_trial
from podium.core.status import looks as module
from podium.core.status.explanation import explanation
from podium.core.status.looks import explained_looks, interval, looked, until
from podium.core.status.record import document
from tests.unit.core.factories import NOW, facts, pinned

GUARDS: dict[str, Any] = {
    "guards": [
        {"name": "errors", "errorRate": {"atMost": "1%", "maxAboveChampion": "2%"}},
        {"name": "drift", "predictionShift": {"maxShift": "10%"}},
    ]
}
SECOND = timedelta(seconds=1)


def on_trial(phase: Phase = Phase.CANARY) -> Facts:
    start = facts(phase=Phase.STARTING, champion=pinned("1"), challenger=pinned("2", "b"), rollout=GUARDS)
    began = begin_trial(start, Verdict(reason=reasons.GATES_PASSED, message=""))
    return facts(status=began.model_copy(update={"phase": phase}), rollout=GUARDS)


def trial_of(status: Status) -> Trial:
    assert status.trial is not None
    return status.trial


def after(known: Facts, seconds: float, answers: int = 0, bad: int = 0, **update: Any) -> Facts:
    """The facts so many seconds after the trial began, with these answers of both sides."""
    counts = Counts(answers=answers, bad=bad)
    measures = [MeasureCounts(measure="errors", challenger=counts, champion=Counts(answers=2 * answers, bad=bad))]
    now = NOW + seconds * SECOND
    evidence = Evidence(measures=measures, observed_at=now)
    trial = trial_of(known.status).model_copy(update={"evidence": evidence, **update})
    status = known.status.model_copy(update={"trial": trial})
    return Facts(known.key, known.generation, known.spec, status, known.observed, now)


def ring(*seconds: float) -> Looks:
    known = on_trial()
    for each in seconds:
        later = after(known, each, answers=round(10 * each), bad=round(each / 10))
        known = Facts(known.key, 1, known.spec, looked(known, later, later.status), known.observed, NOW + each * SECOND)
    return trial_of(known.status).looks


def test_each_look_has_weight_counts_and_how_far_the_evidence_was() -> None:
    seen = ring(10, 20)
    assert (seen.seconds, seen.weights) == ((10, 20), (0, 0))
    errors, drift = seen.guards
    assert (errors.guard, errors.answers, errors.bad) == ("errors", (100, 200), (1, 2))
    assert (errors.champion_answers, errors.champion_bad) == ((200, 400), (1, 2))
    assert (drift.guard, drift.answers, drift.failed) == ("drift", (0, 0), (0.0, 0.0))


def test_in_a_soak_the_version_under_judgement_has_all_the_traffic() -> None:
    known = on_trial(Phase.SOAKING)
    later = after(known, 10)
    assert trial_of(looked(known, later, later.status)).looks.weights == (100,)


def test_what_comes_sooner_than_the_gap_is_left_out() -> None:
    assert ring(10, 12, 14.9, 15, 16).seconds == (10, 15)


def test_a_long_trial_becomes_coarser_and_keeps_its_beginning() -> None:
    seen = ring(*range(5, 5 * 3 * LOOKS_LIMIT, 5))
    assert len(seen.seconds) <= LOOKS_LIMIT
    assert (seen.seconds[0], seen.gap) == (5, 20)
    assert all(len(column) == len(seen.seconds) for column in (seen.weights, seen.guards[0].answers))
    assert all(later - each >= 20 or later == seen.seconds[-1] for each, later in zip(seen.seconds, seen.seconds[1:]))  # noqa: B905


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.ROLLING_BACK])
def test_a_phase_without_evidence_has_no_look(phase: Phase) -> None:
    known = on_trial(phase)
    later = after(known, 10)
    assert looked(known, later, later.status) is later.status


def test_evidence_that_is_not_new_another_trial_and_none_have_no_look() -> None:
    known = on_trial()
    assert looked(known, known, known.status) is known.status
    other = after(known, 10, started_at=NOW + SECOND)
    assert looked(known, other, other.status) is other.status
    over = known.status.model_copy(update={"trial": None})
    assert looked(known, known, over) is over
    none = facts()
    assert looked(none, none, known.status) is known.status


def test_evidence_that_cannot_be_evaluated_is_no_look_and_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "explained_guards", broken)
    assert ring(10).seconds == ()


@pytest.mark.parametrize(
    "spoilt",
    [
        Looks(seconds=(1, 2), weights=(1,)),
        Looks(seconds=(1,), weights=(1,), guards=[GuardLooks(guard="other")]),
        Looks(seconds=(1,), weights=(1,), guards=[GuardLooks(guard="errors"), GuardLooks(guard="drift")]),
    ],
)
def test_a_ring_that_was_edited_begins_again(spoilt: Looks) -> None:
    known = on_trial()
    later = after(known, 10, looks=spoilt)
    assert trial_of(looked(known, later, later.status)).looks.seconds == (10,)
    assert explained_looks(trial_of(later.status), []) == []


def test_people_read_shares_intervals_and_what_was_tolerated_beside_the_champion_of_then() -> None:
    known = on_trial()
    trial = trial_of(after(known, 30, answers=300, bad=3, looks=ring(10, 20)).status)
    value = {
        "metadata": {"name": "churn"},
        "spec": known.spec.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "status": known.status.model_copy(update={"trial": trial}).stored(),
    }
    said = explanation(value).trial
    assert said is not None
    first, second = said.looks
    assert (first.at, second.at) == (NOW + 10 * SECOND, NOW + 20 * SECOND)
    errors = second.guards["errors"]
    assert (errors.answers, errors.share, errors.champion, errors.tolerated) == (200, 0.01, 0.005, 0.01)
    assert errors.low < 0.01 < errors.high
    assert first.guards["drift"].share is None


@pytest.mark.parametrize(
    ("bad", "answers", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 100, 0.0, 0.037), (1, 100, 0.0018, 0.0545), (100, 100, 0.963, 1.0), (200, 100, 0.963, 1.0)],
)
def test_the_interval_is_wilsons(bad: int, answers: int, low: float, high: float) -> None:
    """Values of R's binom.wilson."""
    assert interval(bad, answers) == pytest.approx((low, high), abs=6e-4)


def test_numbers_that_no_operator_wrote_are_drawn_within_the_picture() -> None:
    trial = trial_of(on_trial().status)
    rows = [
        GuardLooks(
            guard=name, answers=(5,), bad=(-9,), champion_answers=(0,), champion_bad=(3,), failed=(9.0,), passed=(-1.0,)
        )
        for name in ("errors", "drift")
    ]
    spoilt = trial.model_copy(update={"looks": Looks(seconds=(10**30,), weights=(7,), guards=rows)})
    (look,) = explained_looks(spoilt, [])
    errors = look.guards["errors"]
    assert (errors.share, errors.champion, errors.towards_failed, errors.towards_passed) == (0.0, None, 1.0, 0.0)


def test_the_record_of_a_decision_has_the_looks_up_to_it() -> None:
    seen = ring(10, 20, 30)
    assert until(seen, 25).seconds == (10, 20)
    known = after(on_trial(), 30, looks=seen)
    entry = HistoryEntry(
        version="2",
        digest="sha256:2",
        outcome="Promoted",
        reason=reasons.PROMOTED,
        message="",
        at=NOW + 25 * SECOND,
        generation=1,
    )
    assert '"seconds": [\n        10,\n        20\n      ]' in document(entry, known)
    assert '"looks"' not in document(entry.model_copy(update={"version": "3"}), known)
    assert '"looks"' not in document(entry, facts())
