"""How long the other ModelDeployments wait for a trial of a template that came with another operator."""

from datetime import timedelta

import pytest

from podium.api.v1alpha1.status import Phase, PodTemplate, Status, Trial
from podium.core.rollout.templates import occupies_turn
from tests.stories.simulator import spec_of
from tests.unit.core.factories import NOW, pinned

MINUTE = timedelta(minutes=1)
SPEC = spec_of(rollout={"stepTimeout": "60m", "startupTimeout": "10m"})
LONG = timedelta(days=30)  # longer than each timeout
OLD, NEW = (PodTemplate(revision=revision, spec_hash="git", image="") for revision in ("old", "new"))
BESIDE = pinned("1", "a").model_copy(update={"template": OLD})
SUBJECT = pinned("1", "b").model_copy(update={"template": NEW})


def on_trial(phase: Phase) -> Status:
    trial = Trial(
        generation=1,
        started_at=NOW,
        terms_hash="",
        steps=SPEC.rollout.steps,
        guards=[],
        on_inconclusive="Wait",
        step_timeout=SPEC.rollout.step_timeout,
        soak=LONG,
        step_started_at=NOW,
    )
    status = Status(phase=phase, phase_since=NOW, champion=BESIDE, challenger=SUBJECT, trial=trial)
    soaking = {"champion": SUBJECT, "former": BESIDE, "challenger": None}
    return status.model_copy(update=soaking) if phase is Phase.SOAKING else status


@pytest.mark.parametrize(
    ("phase", "minutes"),
    [
        (Phase.STARTING, 10),  # a preview may be longer
        (Phase.CANARY, 60),
        (Phase.PROMOTING, 10),  # without room for its pods
        (Phase.SOAKING, 60),
        (Phase.ROLLING_BACK, 10),
    ],
)
def test_the_turn_ends_with_the_timeout_of_the_phase(phase: Phase, minutes: int) -> None:
    status, end = on_trial(phase), NOW + minutes * MINUTE
    assert occupies_turn(status, SPEC, end - MINUTE)
    assert not occupies_turn(status, SPEC, end)


def test_each_step_has_its_timeout() -> None:
    status = on_trial(Phase.CANARY)
    assert status.trial is not None
    trial = status.trial.model_copy(update={"step_started_at": NOW + 59 * MINUTE})
    assert occupies_turn(status.model_copy(update={"trial": trial}), SPEC, NOW + 61 * MINUTE)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING])
def test_the_turn_ends_with_a_pause_and_with_a_spec_that_cannot_be_read(phase: Phase) -> None:
    assert not occupies_turn(on_trial(phase), SPEC.model_copy(update={"paused": True}), NOW)
    assert not occupies_turn(on_trial(phase), None, NOW)


def test_a_template_by_git_takes_no_turn() -> None:
    by_git = SUBJECT.model_copy(update={"template": NEW.model_copy(update={"spec_hash": "another"})})
    status = on_trial(Phase.CANARY).model_copy(update={"challenger": by_git})
    assert not occupies_turn(status, SPEC, NOW)
