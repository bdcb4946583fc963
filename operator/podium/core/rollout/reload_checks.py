"""Checks of `serving.reload: InPlace`: whether the champion's pods may load a version in place, and what came of it.

Only what needs no trial is loaded so: a former champion, or the champion's own bytes under another version. The judge
compares pods that serve side by side, and until the end of a soak the former champion must be able to take all traffic
back within a second: both need pods of their own.
"""

from collections.abc import Callable

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.source import address
from podium.api.v1alpha1.status import Pinned, Trial, Verdict
from podium.api.v1alpha1.values.base import format_duration
from podium.core.facts import Facts, PodState, Problem, other_than
from podium.core.identity import Identity
from podium.core.rollout.circumstances import last_crash
from podium.core.rollout.desired import former_champion
from podium.core.rollout.gate_checks import gates_passed, previously_promoted
from podium.core.rollout.templates import behind
from podium.core.traffic.phase_targets import PHASE_TARGETS


def needs_new_pods(facts: Facts, subject: Pinned) -> Problem | None:
    """The first thing that keeps the champion's pods from loading this version in place; None where nothing does."""
    return next((found for check in OBSTACLES if (found := check(facts, subject)) is not None), None)


def inherits(facts: Facts, pinned: Pinned) -> bool:
    """Whether a version on trial would take over pods of another one, and they would load it in place.

    What such a pod still crashes by, the version before it may have brought: this one must not be blamed for it.
    """
    seen, in_place = facts.observed.slot(pinned.slot), PHASE_TARGETS[facts.status.phase].in_place
    if pinned != facts.status.challenger or in_place or seen.runs is None or seen.runs.same_version(pinned):
        return False
    return seen.replicas > 0 and any(pod.reloads for pod in seen.pods)


def reload_in_place(facts: Facts) -> Verdict | None:
    """The version needs no trial, and the champion's pods can load it beside the one that they serve."""
    subject = facts.subject
    if subject is None or facts.spec.serving.reload != "InPlace" or needs_new_pods(facts, subject) is not None:
        return None
    passed = previously_promoted(facts) or gates_passed(facts)
    if passed is None:
        return None
    same = former_champion(facts, subject) is None
    why = f"{passed.message}; its artifacts are those that serve" if same else passed.message
    return Verdict(reason=reasons.RELOADING, message=f"{why}; the champion's pods load it in place")


def reload_failed(facts: Facts) -> Verdict | None:
    """A pod could not load it: all go on with the champion's version, and it is started in new pods instead."""
    subject, trial = facts.subject, facts.status.trial
    assert subject is not None
    assert trial is not None
    pods = facts.observed.slot(subject.slot).pods
    found = next((why for pod in pods if (why := _failure(pod, subject, trial))), "")
    limit = facts.spec.rollout.startup_timeout
    if not found and facts.now - (facts.status.phase_since or facts.now) >= limit:
        found = f"not all pods did so within {format_duration(limit)} (startupTimeout)"
    if not found:
        return None
    message = f"version {subject.version} could not be loaded in place, and is started in new pods: {found}"
    return Verdict(reason=reasons.RELOAD_FAILED, message=message)


def reloaded(facts: Facts) -> Verdict | None:
    """Every pod that is ready serves it, and they are enough."""
    subject, champion = facts.subject, facts.status.champion
    assert subject is not None
    assert champion is not None
    seen, expected = facts.observed.slot(subject.slot), Identity(subject.version, subject.digest)
    ready = [pod for pod in seen.pods if pod.ready]
    if len(ready) < facts.spec.serving.size or any(pod.identity != expected for pod in ready):
        return None
    message = f"{len(ready)} pods loaded version {subject.version} in place of version {champion.version}"
    return Verdict(reason=reasons.RELOADED, message=message)


def _failure(pod: PodState, subject: Pinned, trial: Trial) -> str:
    """Why this pod will not serve the version; "" where it still may."""
    if pod.reload is not None and pod.reload.given_up(subject.digest):
        return f"pod {pod.name} says {pod.reload.reason}"
    if pod.crash is not None and last_crash(pod) not in trial.earlier_crashes:
        return f"pod {pod.name} ended with exit code {pod.crash.exit_code} ({pod.crash.reason})"
    return ""


# --- what is in the way -----------------------------------------------------------------------------------------------


def _failed_before(facts: Facts, subject: Pinned) -> Problem | None:
    last = facts.status.reload
    if last is None or last.reason != reasons.RELOAD_FAILED:
        return None
    same = (last.version, last.digest) == (subject.version, subject.digest)
    return Problem(last.reason, last.message) if same else None


def _needs_trial(facts: Facts, subject: Pinned) -> Problem | None:
    champion = facts.status.champion
    if champion is None:
        return _needed(f"there is no champion whose pods could load version {subject.version}")
    if subject.digest == champion.digest or former_champion(facts, subject) is not None:
        return None
    return _needed(f"version {subject.version} was not champion before: it is tried in pods of its own")


def _other_template(facts: Facts, _: Pinned) -> Problem | None:
    champion = facts.status.champion
    assert champion is not None
    if not behind(facts, champion):
        return None
    return _needed("the pods would be made from another template now (image, environment, resources …)")


def _other_environment(facts: Facts, subject: Pinned) -> Problem | None:
    """What pods get from their version other than its name and digest: a process does not change it."""
    champion = facts.status.champion
    assert champion is not None
    guards = facts.spec.rollout.guards
    limits = {guard.latency_limit.total_seconds() for guard in guards if guard.latency_limit is not None}
    asked = {
        "registry": (address(subject.registry), address(champion.registry)),
        "model": (subject.model, champion.model),
        "login": (facts.spec.registry.secret_name, champion.login),
        "guards' latency limits": (sorted(limits), sorted(champion.latency_limits)),
    }
    other = [name for name, (new, old) in asked.items() if new != old]
    return _needed(f"its {' and '.join(other)} differ from those with which the pods run") if other else None


def _unwell(facts: Facts, _: Pinned) -> Problem | None:
    champion, size = facts.status.champion, facts.spec.serving.size
    assert champion is not None
    seen = facts.observed.slot(champion.slot)
    able = sum(pod.reloads and pod.ready and pod.identity is not None for pod in seen.pods)
    if able >= size and seen.verified(champion) >= size:
        return None
    return _needed(f"{min(able, seen.verified(champion))} of {size} pods of the champion are ready to load it")


def _needed(message: str) -> Problem:
    return Problem(reasons.NEW_PODS_NEEDED, message)


OBSTACLES: tuple[Callable[[Facts, Pinned], Problem | None], ...] = (
    _needs_trial,
    _failed_before,
    _other_template,
    _other_environment,
    _unwell,
)


def in_the_free_slot(facts: Facts, subject: Pinned) -> Pinned:
    """The version where new pods of it belong: one that could not be loaded in place has the champion's slot."""
    champion = facts.status.champion
    if champion is None or champion.slot != subject.slot:
        return subject
    return subject.model_copy(update={"slot": other_than(champion.slot)})
