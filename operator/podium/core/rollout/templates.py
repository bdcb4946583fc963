"""The pod template that is desired beside the one that a version has, and what keeps it from being tried.

What Git and the operator want is a version *and* a template: another template is rolled out as another version is, on
trial in the free slot, with the champion's own version. A change in Git is tried at once. One that came with another
operator alone (a new default image, another rendering) takes turns with those of the other ModelDeployments.
"""

from collections.abc import Callable
from datetime import datetime

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase, Pinned, PodTemplate, Rejection, Status, TemplateRejection
from podium.core.facts import Facts, Problem, other_than
from podium.core.fingerprints import fingerprints, same_by_git
from podium.core.refusal import named
from podium.core.rollout.circumstances import standing_hold
from podium.core.rollout.desired import is_desired, resolve_desired
from podium.core.rollout.hindrances import down


def behind(facts: Facts, pinned: Pinned) -> bool:
    """Whether the version's pods would be made from another template now."""
    now, has = facts.observed.template, pinned.template
    return now is not None and (has is None or has.revision != now.revision)


def behind_git(facts: Facts, pinned: Pinned) -> bool:
    """Whether they would by what Git says. What an older Podium made says nothing of that."""
    now, has = facts.observed.template, pinned.template
    if now is None or has is None or not behind(facts, pinned):
        return False
    return not same_by_git(has.spec_hash, now.spec_hash)


def on_trial(status: Status) -> bool:
    """Whether a template is on trial: the same version in both slots."""
    soaking = status.phase is Phase.SOAKING
    subject, beside = (status.champion, status.former) if soaking else (status.challenger, status.champion)
    return status.trial is not None and subject is not None and beside is not None and subject.same_version(beside)


def on_trial_by_operator(status: Status) -> bool:
    """Whether one is that came with another operator: what Git names serves all the time."""
    soaking = status.phase is Phase.SOAKING
    subject, beside = (status.champion, status.former) if soaking else (status.challenger, status.champion)
    if not on_trial(status) or subject is None or beside is None or subject.template is None:
        return False
    return beside.template is None or same_by_git(beside.template.spec_hash, subject.template.spec_hash)


def judges_template(status: Status) -> bool:
    """Whether what the trial judges is the template: the version in its pods is trusted."""
    return on_trial(status) or (status.trial is not None and status.trial.tries_template)


def occupies_turn(status: Status, spec: Spec | None, now: datetime) -> bool:
    """Whether the other ModelDeployments wait for this trial.

    Its turn ends before it does once it waits for what Podium cannot hasten: a pause, a spec that cannot be read, or a
    step, a soak or pods that take longer than the timeout says.
    """
    trial = status.trial
    if trial is None or spec is None or spec.paused or not on_trial_by_operator(status):
        return False
    since = trial.step_started_at if status.phase is Phase.CANARY else status.phase_since
    limit = trial.step_timeout if status.phase in _AWAITS_ANSWERS else spec.rollout.startup_timeout
    return since is None or now - since < limit


_AWAITS_ANSWERS = frozenset({Phase.CANARY, Phase.SOAKING})


def described(template: PodTemplate | None) -> str:
    """Which template, for people."""
    if template is None:
        return "the pod template"
    image = f" with image {template.image}" if template.image else ""
    return f"pod template {template.revision}{image}"


def rejected_version(lost: Rejection) -> str:
    """What was rejected, for people."""
    beside = f" with {described(lost.template)}" if isinstance(lost, TemplateRejection) else ""
    return f"version {lost.version}{beside}"


# --- what keeps the wanted template from being tried, with the champion's version ------------------------------------


def template_waits(facts: Facts) -> Problem | None:
    """The first thing that keeps the template from being tried; None where it is in place, on trial, or next."""
    champion = facts.status.champion
    if champion is None or on_trial(facts.status) or not behind(facts, champion):
        return None
    return next((found for check in WAITS if (found := check(facts, champion)) is not None), None)


def wants_turn(facts: Facts) -> bool:
    """Whether nothing but its turn keeps a template that came with another operator from being tried."""
    champion, found = facts.status.champion, template_waits(facts)
    if champion is None or not behind(facts, champion) or behind_git(facts, champion):
        return False
    return facts.status.phase is Phase.STABLE and (found is None or found.reason == reasons.TEMPLATE_WAITING)


def _lost(facts: Facts, champion: Pinned) -> Problem | None:
    """The rejection of the wanted template, with the champion's version."""
    now = facts.observed.template
    known = (lost for lost in facts.status.rejected_templates if now is not None and lost.is_about(champion, now))
    found = next((lost for lost in known if fingerprints(facts).stands(lost)), None)
    if found is None:
        return None
    message = (
        f"{described(found.template)} is rejected with version {found.version}: {found.message}; the champion serves "
        f"with {described(champion.template)}. Change spec.serving, or install another operator; spec.rollout.retry "
        f"tries it again"
    )
    return Problem(reasons.TEMPLATE_REJECTED, message)


def _another_version(facts: Facts, champion: Pinned) -> Problem | None:
    if facts.status.phase is Phase.STABLE and is_desired(facts, champion) is not False:
        return None
    return Problem(reasons.IN_PROGRESS, "the pods stay as they are while another version is desired or on trial")


def _aborted(facts: Facts, champion: Pinned) -> Problem | None:
    """A person keeps the wanted template out, with the champion's version."""
    abort, now = facts.spec.rollout.abort, facts.observed.template
    if abort is None or now is None or (abort.version, abort.template) != (champion.version, now.revision):
        return None
    message = (
        f"{described(now)} is aborted (spec.rollout.abort); the champion serves with {described(champion.template)}. "
        f"Remove spec.rollout.abort, or change spec.serving"
    )
    return Problem(reasons.ABORTED, message)


def _refused(facts: Facts, _: Pinned) -> Problem | None:
    refusals = facts.observed.refusals
    return Problem(reasons.NOT_PERMITTED, named(refusals)) if refusals else None


def _outage(facts: Facts, _: Pinned) -> Problem | None:
    outage = facts.status.shared_outage
    return Problem(reasons.SHARED_OUTAGE, f"the champion has to recover first: {outage.message}") if outage else None


def _held(facts: Facts, _: Pinned) -> Problem | None:
    hold = standing_hold(facts)
    return Problem(hold.reason, f"{hold.message}; it is tried again later, or once the spec changes") if hold else None


def _conflict(facts: Facts, _: Pinned) -> Problem | None:
    return Problem(reasons.ALIAS_CONFLICT, facts.status.message) if facts.observed.alias_conflict is not None else None


def _artifacts(facts: Facts, champion: Pinned) -> Problem | None:
    """New pods could not load what was pinned; or it is not known whether they could."""
    version = resolve_desired(facts)
    if version is None:
        return facts.observed.registry.problem or Problem(reasons.IN_PROGRESS, "querying the registry")
    if version.digest == champion.digest:
        return None
    return Problem(reasons.ARTIFACTS_CHANGED, "new pods cannot load the pinned artifacts: they changed in the registry")


def _paused(facts: Facts, _: Pinned) -> Problem | None:
    return Problem(reasons.PAUSED, "spec.paused is true: no trial begins") if facts.spec.paused else None


def _turn(facts: Facts, champion: Pinned) -> Problem | None:
    """Turns are for champions that serve: one that is down waits for none."""
    if behind_git(facts, champion) or facts.observed.template_turn:
        return None
    if down(facts.observed.slot(champion.slot), champion):
        return None
    first = sorted(map(str, facts.observed.template_trials))
    others = f", {', '.join(first[:3])} first" if first else ""
    cause = "since its upgrade"
    if not facts.of_source(champion):
        cause = f"since its registry is at {facts.observed.registry.uri}"
    message = (
        f"the operator makes pods from another template {cause}, and waits for its turn to try it{others} "
        f"(PODIUM_TEMPLATE_BUDGET); the champion serves with {described(champion.template)}"
    )
    return Problem(reasons.TEMPLATE_WAITING, message)


def _occupied(facts: Facts, champion: Pinned) -> Problem | None:
    """A trial begins in an empty slot. Beside a champion that is down, it takes the place of what keeps the traffic."""
    free = facts.observed.slot(other_than(champion.slot))
    if (not free.replicas and not free.pods) or not facts.observed.slot(champion.slot).ready(champion):
        return None
    return Problem(reasons.IN_PROGRESS, f"slot {other_than(champion.slot)} is not free yet")


WAITS: tuple[Callable[[Facts, Pinned], Problem | None], ...] = (
    _refused,
    _another_version,
    _lost,
    _aborted,
    _outage,
    _held,
    _conflict,
    _artifacts,
    _paused,
    _occupied,
    _turn,
)
