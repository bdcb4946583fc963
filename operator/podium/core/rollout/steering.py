"""What spec.rollout says of one version by a person's word, and whether that is about the version at hand."""

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.skipped import SkippedSteps
from podium.api.v1alpha1.spec.steering import Abort, Promote, Word
from podium.api.v1alpha1.status import Pinned, Verdict
from podium.api.v1alpha1.values.base import format_time
from podium.core.facts import Facts
from podium.core.printable import plain
from podium.core.rollout.desired import desired_version, is_desired
from podium.core.rollout.templates import on_trial


def abort_of(facts: Facts, pinned: Pinned) -> Abort | None:
    """The abort of a version; of a template where that is on trial with the champion's own version."""
    abort, template = facts.spec.rollout.abort, _template(facts, pinned)
    if abort is None or abort.template != template or abort.version != pinned.version:
        return None
    return abort if pinned.of_model(abort.model or facts.spec.model.name) else None


def _template(facts: Facts, pinned: Pinned) -> str | None:
    """The revision of the template, where the trial is of that; None where it is of the version."""
    if not on_trial(facts.status):
        return None
    return pinned.template.revision if pinned.template is not None else ""


def standing_abort(facts: Facts) -> Abort | None:
    """The abort of the desired version. Of the champion it says nothing: that is out of its trial."""
    abort, champion = facts.spec.rollout.abort, facts.status.champion
    if abort is None or abort.template is not None or abort.version != desired_version(facts):
        return None
    if abort.model not in {None, facts.spec.model.name}:
        return None
    return None if champion is not None and is_desired(facts, champion) is not False else abort


def promote_of(facts: Facts) -> Promote | None:
    """What the trial at hand may skip. A template's trial has to be named: it has the champion's own version."""
    said, subject, trial = facts.spec.rollout.promote, facts.subject, facts.status.trial
    if said is None or subject is None or trial is None or said.version != subject.version:
        return None
    if not subject.of_model(said.model or facts.spec.model.name):
        return None
    named = said.trial_started_at is not None
    if named != (said.trial_started_at == format_time(trial.started_at)) or (on_trial(facts.status) and not named):
        return None
    return said


def signed(said: Word | SkippedSteps) -> str:
    """Who says so, and why: ` by alice: the price list was wrong`."""
    by = f" by {plain(said.by)}" if said.by else ""
    return f"{by}: {plain(said.reason)}" if said.reason else by


def unanswered(facts: Facts) -> bool:
    """Whether no version could answer without the one on trial, which does."""
    subject = facts.subject
    return subject is not None and facts.serves_alone and facts.observed.slot(subject.slot).ready(subject) > 0


def skipped(facts: Facts, verdict: Verdict, steps: list[int]) -> SkippedSteps | None:
    """The steps that a person let the trial skip, with those that the verdict ends."""
    trial, said = facts.status.trial, promote_of(facts)
    known = trial.skipped if trial is not None else None
    if verdict.reason != reasons.STEP_SKIPPED or said is None:
        return known
    return SkippedSteps(steps=[*(known.steps if known is not None else []), *steps], by=said.by, reason=said.reason)


def skipped_text(skipped: SkippedSteps) -> str:
    """Which steps were skipped, by whom and why: `steps 1, 2 skipped by alice: seen enough`."""
    numbers = [str(number) for number in skipped.steps if number]
    named = [f"step{'s' if numbers[1:] else ''} {', '.join(numbers)}"] if numbers else []
    parts = (["the testers' time"] if 0 in skipped.steps else []) + named
    return f"{' and '.join(parts)} skipped{signed(skipped)}"
