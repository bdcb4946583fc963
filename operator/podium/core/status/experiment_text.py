"""What an experiment does now, and how the last one ended, in one sentence."""

from datetime import timedelta
from typing import Final

from podium.api.v1alpha1.experiment import Arm
from podium.api.v1alpha1.values.base import format_duration
from podium.core.analysis import guards
from podium.core.analysis.measures import ERRORS
from podium.core.experiment import judged, progress
from podium.core.facts import Facts
from podium.core.rollout.arms import view
from podium.core.rollout.experiment_checks import reached_at
from podium.core.rollout.hindrances import hindrances

_SECOND: Final = timedelta(seconds=1)


def experimenting(facts: Facts) -> str:
    """What each arm answered, and how long it goes on."""
    known, arms, experiment = facts.status.experiment, judged(facts.status), facts.spec.rollout.experiment
    out = [f"version {arm.pinned.version} is out" for arm in facts.status.arms if arm.role == "Out"]
    if known is None or known.routed_at is None or experiment is None:
        return "; ".join(["starting the arms of the experiment", *(_starting(facts, arm) for arm in arms), *out])
    since = reached_at(arms)
    if since is None:
        problem = facts.observed.traffic.problem
        waits = ["waiting until the weights of all arms are in force", *([problem.message] if problem else [])]
    else:
        left = max(experiment.duration - (facts.now - since), experiment.duration * 0)
        waits = [f"the best is chosen in {format_duration(left - left % _SECOND)}"]
    return "; ".join(["experiment", *(_counted(facts, arm) for arm in arms), *out, *waits])


def ended_text(facts: Facts) -> str:
    """What the experiment of Git has shown; "" where there is none, and while it goes on."""
    known = progress(facts.spec, facts.status)
    if known is None or known.ended_at is None:
        return ""
    if not known.winner:
        return f"the experiment has ended: {known.message}"
    advice = f"set spec.model.version to {known.winner}, the best, and remove rollout.experiment"
    return f"the experiment has ended: {advice}"


def _starting(facts: Facts, arm: Arm) -> str:
    seen = facts.observed.slot(arm.slot)
    text = f"version {arm.pinned.version} has {seen.verified(arm.pinned)} ready pods"
    return ", ".join([text, *hindrances(facts, arm.pinned)[:1]])


def _counted(facts: Facts, arm: Arm) -> str:
    counts = arm.trial.evidence.measured(ERRORS.name).challenger if arm.trial is not None else None
    text = f"version {arm.pinned.version} at {arm.weight} %"
    if counts is None:
        return text
    worst = [one.message for one in guards.judged(view(facts, arm)) if one.state == "Failed"]
    return f"{text}: {counts.answers} answers, {counts.bad} bad{''.join(f', {each}' for each in worst[:1])}"
