"""Checks of what Git and the registry name now, beside what is champion and what is on trial."""

from collections.abc import Callable

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.status import Verdict
from podium.core.facts import SLOTS, Facts, other_than
from podium.core.fingerprints import fingerprints
from podium.core.rollout.circumstances import standing_hold
from podium.core.rollout.desired import desired_version, is_desired, resolve_desired, standing_rejection
from podium.core.rollout.steering import standing_abort
from podium.core.rollout.templates import rejected_version
from podium.core.traffic.lending import champion_down


def challenger_found(facts: Facts) -> Verdict | None:
    """The desired version is another one than the champion."""
    version, champion = resolve_desired(facts), facts.status.champion
    if version is None or facts.observed.alias_conflict is not None or standing_rejection(facts) is not None:
        return None
    if champion is not None and is_desired(facts, champion):
        return None
    if any(waits(facts) for waits in WAITS):
        return None
    return Verdict(
        reason=reasons.CHALLENGER_FOUND,
        message=f"spec.model selects version {version.version} of {facts.spec.model.name}",
    )


def unknown_champion(facts: Facts) -> bool:
    """Whether the status was lost, and the pods that have the traffic have not said yet what they serve."""
    if not facts.status.blank:
        return False
    slots = (facts.observed.slot(slot) for slot, weight in facts.observed.traffic.desired.items() if weight)
    return any(seen.ready(seen.runs) for seen in slots)


def slot_taken(facts: Facts) -> bool:
    """Whether requests may still reach the free slot, though the champion can answer them: a gateway takes no weights.

    Or whether it still has pods that would be taken for those of the next trial. Beside a champion without a ready pod,
    the next version takes the place of the one that keeps the traffic.
    """
    champion = facts.status.champion
    if champion is None:
        return _looks_alike(facts, SLOTS[0])
    if champion_down(facts):
        return False
    free = other_than(champion.slot)
    return facts.observed.traffic.may_reach(free) or _looks_alike(facts, free)


def _looks_alike(facts: Facts, free: Slot) -> bool:
    """Whether pods of the desired version are there that were made from another template."""
    seen, version, now = facts.observed.slot(free), resolve_desired(facts), facts.observed.template
    if seen.runs is None or not seen.pods or version is None or now is None or seen.runs.version != version.version:
        return False
    return seen.runs.template is None or seen.runs.template.revision != now.revision


# What a version that could begin waits for: policies grant it; its last trial is decided; a person lets it in again;
# the champion has to recover before it is tried beside it; it is tried again later; a version that serves is adopted
# first; its pods would get requests before they have proved what they are.
WAITS: tuple[Callable[[Facts], bool], ...] = (
    lambda facts: bool(facts.observed.refusals),
    lambda facts: facts.status.suspected is not None,
    lambda facts: standing_abort(facts) is not None,
    lambda facts: facts.status.shared_outage is not None,
    lambda facts: standing_hold(facts) is not None,
    unknown_champion,
    slot_taken,
)


def known_rejected(facts: Facts) -> Verdict | None:
    """The desired version was rejected, and Git says nothing new about it."""
    found = standing_rejection(facts)
    if found is None or (facts.status.champion is not None and is_desired(facts, facts.status.champion)):
        return None
    message = f"{rejected_version(found)} stays rejected: {found.message}"
    return Verdict(reason=reasons.VERSION_REJECTED, message=message)


def already_champion(facts: Facts) -> Verdict | None:
    """The desired version is champion."""
    champion = facts.status.champion
    if champion is None or not is_desired(facts, champion):
        return None
    return Verdict(reason=reasons.STABLE, message=f"version {champion.version} is champion already")


def superseded(facts: Facts) -> Verdict | None:
    """The desired version is another one than the one on trial."""
    subject, version = facts.subject, desired_version(facts) or "another one"
    if subject is None or is_desired(facts, subject) is not False or newer_waits(facts):
        return None
    now, then = f"version {version}", subject.version
    if not subject.of_model(facts.spec.model.name):
        now, then = f"{now} of {facts.spec.model.name}", f"{then} of {subject.model}"
    elif not facts.of_source(subject):
        now, then = f"{now} of {facts.observed.registry.uri}", f"{then} of {subject.registry}"
    return Verdict(reason=reasons.SUPERSEDED, message=f"spec.model selects {now} now, not {then}")


def newer_waits(facts: Facts) -> str:
    """Why the desired version waits until the one on trial is promoted; "" where it does not.

    To give the only version up that answers would stop all answers.
    """
    subject = facts.subject
    if subject is None or is_desired(facts, subject) is not False or not facts.serves_alone:
        return ""
    if not facts.observed.slot(subject.slot).ready(subject):
        return ""
    newer = f"version {desired_version(facts) or 'another one'} of {facts.spec.model.name} (spec.model)"
    how = "; it is once spec.paused is false" if facts.spec.paused else ""
    return f"{newer} waits until version {subject.version} is promoted{how}: no other version can answer"


def artifacts_changed(facts: Facts) -> Verdict | None:
    """Before a pod was started, a version whose artifacts changed is pinned again."""
    version, subject = facts.observed.registry.desired, facts.subject
    if version is None or subject is None or version.digest == subject.digest:
        return None
    return Verdict(reason=reasons.ARTIFACTS_CHANGED, message=f"the artifacts of version {version.version} have changed")


def registry_moved(facts: Facts) -> Verdict | None:
    """Before a pod was started, a version is pinned again from where the registry is now."""
    subject = facts.subject
    if subject is None or facts.of_source(subject):
        return None
    message = f"the registry is at {facts.observed.registry.uri} now, not at {subject.registry}"
    return Verdict(reason=reasons.SUPERSEDED, message=message)


def terms_changed(facts: Facts) -> Verdict | None:
    """Gates, steps or guards of the trial have changed in Git."""
    trial = facts.status.trial
    if trial is None or trial.terms_hash == fingerprints(facts).terms:
        return None
    return Verdict(
        reason=reasons.TERMS_CHANGED, message="gates, steps or guards changed in the spec: the trial restarts"
    )
