"""Conditions in the form of kstatus, so that kubectl wait, Argo CD, Flux and helm --wait work unchanged."""

from collections.abc import Iterator

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Condition, Phase, Pinned, Status
from podium.api.v1alpha1.values.base import format_time
from podium.core.analysis.after_soak import is_blind
from podium.core.facts import Facts, PodState, Problem
from podium.core.refusal import named
from podium.core.rollout.alias import moved_by_a_person
from podium.core.rollout.degraded import degraded
from podium.core.rollout.desired import resolve_desired, standing_rejection
from podium.core.rollout.templates import behind, described, on_trial, template_waits
from podium.core.rollout.tripwires import REASONS
from podium.core.status.alias_texts import claim_problem
from podium.core.status.messages import LONGEST
from podium.core.status.readiness import NotReady, condition_of, not_ready, stall
from podium.core.traffic.retries import retries_wanted
from podium.core.traffic.shares import off_share

_EXACT = "the pods make the share: raise spec.serving.replicas, or set spec.traffic.gateway for exact shares"
Unstamped = tuple[str, str, str, str]  # type, status, reason, message


def conditions(facts: Facts, before: Status) -> list[Condition]:
    """All conditions; the moment of a transition is kept for as long as the condition's status is."""
    return [kept(condition, before) for condition in _all(facts)]


def _all(facts: Facts) -> Iterator[Condition]:
    autoscaler = [_autoscaler] if facts.spec.serving.autoscaling is not None else []
    template = [_template] if facts.status.champion is not None and facts.observed.template is not None else []
    reload = [_reload] if facts.spec.serving.reload == "InPlace" and _reload_is_known(facts) else []
    retries = [_retries] if retries_wanted(facts) and _retries_are_known(facts) else []
    watch = [_degraded] if facts.status.after_soak is not None else []
    beside = (*watch, *retries, *template, *autoscaler, *reload)
    permitted = [_permitted] if facts.observed.refusals or condition_of(facts.status, "Permitted") is not None else []
    for about in (_ready, _reconciling, _stalled, *permitted, _gates, _registry, _traffic, *beside):
        kind, status, reason, message = about(facts)
        yield Condition.model_validate(
            {
                "type": kind,
                "status": status,
                "reason": reason,
                "message": message[:LONGEST],
                "observed_generation": facts.generation,
                "last_transition_time": facts.now,
            }
        )


def kept(condition: Condition, before: Status) -> Condition:
    """The moment of the last transition is kept for as long as the status of the condition is."""
    known = condition_of(before, condition.type)
    if known is None or known.status != condition.status:
        return condition
    return condition.model_copy(update={"last_transition_time": known.last_transition_time})


def _ready(facts: Facts) -> Unstamped:
    """True once the desired state of this generation serves: what `kubectl wait` waits for."""
    found = not_ready(facts)
    if found is None:
        return "Ready", "True", reasons.SERVING, facts.status.message
    return "Ready", found.status, found.reason, _with_why(found, facts)


def _with_why(found: NotReady, facts: Facts) -> str:
    return f"{found.why}; {facts.status.message}" if found.why else facts.status.message


def _reconciling(facts: Facts) -> Unstamped:
    """True while neither Ready nor Stalled is."""
    found, stalls = not_ready(facts), stall(facts)
    if stalls is not None:
        return "Reconciling", "False", stalls.reason, "it waits for a person: see Stalled"
    if found is not None:
        return "Reconciling", "True", found.reason, _with_why(found, facts)
    if on_trial(facts.status):
        return "Reconciling", "False", reasons.TEMPLATE_ON_TRIAL, facts.status.message
    return "Reconciling", "False", reasons.STABLE, "no rollout in progress"


def _stalled(facts: Facts) -> Unstamped:
    found = stall(facts)
    if found is not None:
        return "Stalled", "True", found.reason, _with_page(found)
    return "Stalled", "False", reasons.AS_EXPECTED, "no action required"


def _with_page(problem: Problem) -> str:
    """What a person reads who has to act: what is wrong, and the page with the cause and the fix, never cut off."""
    help_text = f"; cause and fix: {reasons.page(problem.reason)}"
    return problem.message[: LONGEST - len(help_text)] + help_text


def _permitted(facts: Facts) -> Unstamped:
    """Whether PodiumPolicies grant what Git asks for: said once they did not."""
    refusals = facts.observed.refusals
    if refusals:
        return "Permitted", "False", reasons.NOT_PERMITTED, named(refusals)
    return "Permitted", "True", reasons.AS_EXPECTED, "PodiumPolicies grant all that is asked for"


def _gates(facts: Facts) -> Unstamped:
    phase, trial = facts.status.phase, facts.status.trial
    if phase is Phase.BLOCKED:
        return "GatesPassed", "False", reasons.GATES_FAILED, facts.status.message
    if phase is Phase.GATING and any(gate.state == "Pending" for gate in facts.status.gates):
        return "GatesPassed", "Unknown", reasons.GATES_PENDING, facts.status.message
    if phase in {Phase.PENDING, Phase.GATING, Phase.ABORTED}:
        return "GatesPassed", "Unknown", reasons.NOT_CHECKED, "the gates have not been checked yet"
    if trial is not None and trial.previously_promoted:
        return "GatesPassed", "True", reasons.PREVIOUSLY_PROMOTED, "skipped: a former champion with the same digest"
    lost, subject = standing_rejection(facts), facts.subject or facts.status.champion
    version = lost.version if phase is Phase.REJECTED and lost else subject.version if subject else "?"
    return "GatesPassed", "True", reasons.GATES_PASSED, f"all gates passed for version {version}"


def registry_problem(facts: Facts) -> Problem | None:
    """What keeps the registry and the decision apart, for a person to see."""
    registry, champion = facts.observed.registry, facts.status.champion
    if registry.problem is not None:
        return registry.problem
    if champion is None or registry.alias is None or not facts.of_source(champion):
        return None
    if (claimed := claim_problem(facts)) is not None:
        return claimed
    if moved_by_a_person(facts):
        alias = facts.spec.registry.aliases.champion
        message = (
            f"alias {alias} of {facts.spec.model.name} points to {registry.alias or 'nothing'}, expected champion "
            f"{champion.version}: another client moved it. Podium leaves the alias alone until the next promotion: to "
            f"serve another version, change spec.model"
        )
        return Problem(reasons.ALIAS_CHANGED, message)
    version = resolve_desired(facts)
    changed = version is not None and version.version == champion.version and version.digest != champion.digest
    if changed or _found_changed(facts, champion):
        message = (
            f"the artifacts of version {champion.version} have changed in the registry since they were pinned: new "
            f"pods cannot start. Restore them, or register them as a new version"
        )
        return Problem(reasons.ARTIFACTS_CHANGED, message)
    return None


def _found_changed(facts: Facts, champion: Pinned) -> bool:
    """Whether a new pod of the champion found other bytes than the pinned ones: the registry's digest is made once."""
    pods = facts.observed.slot(champion.slot).pods
    return any(pod.version == champion.version and not pod.ready and _mismatch(pod) for pod in pods)


def _mismatch(pod: PodState) -> bool:
    return pod.crash is not None and REASONS.get(pod.crash.exit_code) == reasons.IDENTITY_MISMATCH


def _registry(facts: Facts) -> Unstamped:
    problem, champion = registry_problem(facts), facts.status.champion
    if problem is not None:
        return "RegistryInSync", "False", problem.reason, problem.message
    if champion is None or facts.observed.registry.alias is None:
        known = condition_of(facts.status, "RegistryInSync")
        if known is not None and known.status == "True":  # not asked again yet
            return "RegistryInSync", "True", known.reason, known.message
        return "RegistryInSync", "Unknown", reasons.NOT_CHECKED, "the registry has not answered yet"
    alias = facts.spec.registry.aliases.champion
    if not facts.of_source(champion):
        message = (
            f"champion is version {champion.version} of {champion.model}, not of what spec.model and spec.registry name"
        )
        return "RegistryInSync", "Unknown", reasons.NOT_CHECKED, message
    if facts.observed.registry.alias != champion.version:
        message = f"alias {alias} does not point to version {champion.version} yet"
        return "RegistryInSync", "False", reasons.IN_PROGRESS, message
    return "RegistryInSync", "True", reasons.IN_SYNC, f"alias {alias} points to version {champion.version}"


def _traffic(facts: Facts) -> Unstamped:
    traffic = facts.observed.traffic
    if traffic.problem is not None:
        return "TrafficInSync", "False", traffic.problem.reason, traffic.problem.message
    if not traffic.desired:
        return "TrafficInSync", "Unknown", reasons.NOT_CHECKED, "no weights have been set yet"
    if not traffic.in_sync:
        return "TrafficInSync", "False", reasons.IN_PROGRESS, "endpoints do not match the desired weights yet"
    if not any(traffic.current.values()):
        return "TrafficInSync", "False", reasons.IN_PROGRESS, "no pod takes requests: none is ready"
    if off := off_share(facts):
        return "TrafficInSync", "False", reasons.SHARE_OFF, f"{off}; {_EXACT}"
    return "TrafficInSync", "True", reasons.IN_SYNC, "traffic is split by the desired weights"


def _retries_are_known(facts: Facts) -> bool:
    return facts.observed.traffic.retries is not None or condition_of(facts.status, "RetriesInSync") is not None


def retries_problem(facts: Facts) -> Problem | None:
    """Why the gateway sends no request again, where a person has to know."""
    found = facts.observed.traffic.retries
    if found is None or not retries_wanted(facts):
        return None
    if found.obstacle:
        return Problem(reasons.RETRIES_LEFT_ALONE, found.obstacle)
    return Problem(reasons.RETRIES_REJECTED, f"{found.name}: {found.refusal}") if found.refusal else None


def _retries(facts: Facts) -> Unstamped:
    """Whether the gateway sends a request again whose connection broke."""
    found, problem = facts.observed.traffic.retries, retries_problem(facts)
    known = condition_of(facts.status, "RetriesInSync")
    if found is None and known is not None:  # it could not be read
        return "RetriesInSync", known.status, known.reason, known.message
    if problem is not None:
        return "RetriesInSync", "False", problem.reason, problem.message
    name = found.name if found is not None else "?"
    if found is not None and found.up_to_date and found.accepted:
        message = f"the gateway sends a request again whose connection breaks before an answer ({name})"
        return "RetriesInSync", "True", reasons.IN_SYNC, message
    return "RetriesInSync", "False", reasons.IN_PROGRESS, f"the gateway has not taken {name} yet"


def _template(facts: Facts) -> Unstamped:
    """Whether the champion's pods are made as Git and this operator would make them now."""
    champion, found = facts.status.champion, template_waits(facts)
    assert champion is not None
    if on_trial(facts.status):
        return "TemplateInSync", "False", reasons.TEMPLATE_ON_TRIAL, facts.status.message
    if found is not None:
        return "TemplateInSync", "False", found.reason, found.message
    if behind(facts, champion):
        message = f"{described(facts.observed.template)} is tried next"
        return "TemplateInSync", "False", reasons.TEMPLATE_CHANGED, message
    message = f"pods of version {champion.version} have {described(champion.template)}"
    return "TemplateInSync", "True", reasons.IN_SYNC, message


def _autoscaler(facts: Facts) -> Unstamped:
    seen, known = facts.observed.autoscaler, condition_of(facts.status, "AutoscalerInSync")
    if seen is None and known is not None:  # it could not be read
        return "AutoscalerInSync", known.status, known.reason, known.message
    if seen is not None and seen.problem is not None:
        return "AutoscalerInSync", "False", seen.problem.reason, seen.problem.message
    if seen is not None and seen.up_to_date:
        return "AutoscalerInSync", "True", reasons.IN_SYNC, f"HorizontalPodAutoscaler {facts.key.name} sets the size"
    message = f"HorizontalPodAutoscaler {facts.key.name} is not up to date yet"
    return "AutoscalerInSync", "False", reasons.IN_PROGRESS, message


def _degraded(facts: Facts) -> Unstamped:
    """Whether the champion has failed a guard after its soak."""
    found = degraded(facts)
    if found is not None:
        return "Degraded", "True", found.reason, found.message
    watch, asked = facts.status.after_soak, facts.spec.rollout.after_soak
    if watch is not None and asked is not None and is_blind(watch, asked, facts.now):
        assert watch.unread_since is not None
        message = (
            f"not known since {format_time(watch.unread_since)}: nothing could be read for {', '.join(watch.unread)}"
        )
        return "Degraded", "Unknown", reasons.PODS_NOT_SCRAPED, message
    return "Degraded", "False", reasons.AS_EXPECTED, "no guard of the champion has failed since its soak"


def _reload_is_known(facts: Facts) -> bool:
    return facts.status.reload is not None or facts.status.phase is Phase.RELOADING


def _reload(facts: Facts) -> Unstamped:
    """How the last version came to serve."""
    known = facts.status.reload
    if facts.status.phase is Phase.RELOADING or known is None:
        return "ReloadedInPlace", "Unknown", reasons.RELOADING, facts.status.message
    done = "True" if known.reason == reasons.RELOADED else "False"
    return "ReloadedInPlace", done, known.reason, known.message
