"""A champion that failed a guard after its soak, and the former champion that can take its place.

That one is started once, by its pinned digest, beside the champion. Where it cannot be, or took over before, Podium
says why and changes nothing: two versions that both fail must not take turns.
"""

from collections.abc import Iterator
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.after_soak import ChampionFailure
from podium.api.v1alpha1.status import HistoryEntry, Pinned, Status
from podium.core.facts import Facts, PodState, Problem, other_than
from podium.core.refusal import named
from podium.core.rollout.circumstances import of_end
from podium.core.rollout.desired import former_champion
from podium.core.rollout.hindrances import CRASH_LOOP

_SHOWN: Final = 3  # pods in a message


def tripped_alone(facts: Facts) -> ChampionFailure | None:
    """A single fact that says as much as a failed guard: all its pods crash in a loop, or one answers all badly."""
    champion = facts.status.champion
    if champion is None:
        return None
    seen = facts.observed.slot(champion.slot)
    pods = [pod for pod in seen.pods if pod.made_for(champion)]
    if pods and all(_crashes(pod) for pod in pods):
        names = ", ".join(pod.name for pod in pods[:_SHOWN])
        message = f"all pods of version {champion.version} crash again and again: {names}"
        return ChampionFailure(since=facts.now, reason=reasons.CRASHED, message=message, own=True)
    limit = facts.spec.rollout.consecutive_failures
    for pod in pods:
        if pod.ready and pod.counters is not None and pod.counters.consecutive_bad >= limit:
            message = f"the last {pod.counters.consecutive_bad} answers of pod {pod.name} were all bad"
            return ChampionFailure(since=facts.now, reason=reasons.CONSECUTIVE_FAILURES, message=message)
    return None


def _crashes(pod: PodState) -> bool:
    """Whether kubelet waits before it starts the pod again, which has ended by its own fault."""
    looping = not pod.ready and pod.waiting.startswith(CRASH_LOOP)
    return looping and pod.crash is not None and of_end(pod.crash) is None


def standing_failure(status: Status) -> ChampionFailure | None:
    """What the champion has failed after its soak; None where it keeps every guard, or is not watched."""
    return status.after_soak.failure if status.after_soak is not None else None


def champion_before(status: Status, model: str) -> HistoryEntry | None:
    """By which the champion before this one was promoted. Who was taken back since is not returned to."""
    stack: list[HistoryEntry] = []
    for entry in status.history:
        if entry.outcome == "Promoted" and entry.of_model(model):
            known = next((place for place, one in enumerate(stack) if one.same_version(entry)), len(stack))
            del stack[known:]
            stack.append(entry)
    champion = status.champion
    known = next((place for place, one in enumerate(stack) if champion is not None and one.same_version(champion)), 0)
    return stack[known - 1] if known else None


def former_pinned(facts: Facts) -> Pinned | None:
    """The champion before this one, as it is pinned for the free slot."""
    entry, champion = champion_before(facts.status, facts.spec.model.name), facts.status.champion
    if entry is None or champion is None:
        return None
    return Pinned(**entry.identity, slot=other_than(champion.slot))


def returns(facts: Facts) -> bool:
    """Whether Git asks for the former champion, and it can be started."""
    asked, failure = facts.spec.rollout.after_soak, standing_failure(facts.status)
    if asked is None or asked.on_failure != "RollBack" or failure is None or failure.returned != "None":
        return False
    return next(_obstacles(facts), None) is None


def degraded(facts: Facts) -> Problem | None:
    """What a person has to know of a champion that has failed; None where there is nothing."""
    failure, champion, asked = standing_failure(facts.status), facts.status.champion, facts.spec.rollout.after_soak
    if failure is None or champion is None:
        return None
    found = f"champion {champion.version} is degraded: {failure.message}"
    trial = facts.status.trial
    if trial is not None and trial.recovers is not None:
        former = facts.status.challenger
        version = former.version if former is not None else "?"
        message = f"{found}; version {version} is started again, and gets the traffic once it is ready"
        return Problem(reasons.CHAMPION_DEGRADED, message)
    if asked is None or asked.on_failure == "Alert":
        return Problem(reasons.CHAMPION_DEGRADED, f"{found}; it goes on serving (afterSoak.onFailure is Alert)")
    why = failure.why_not or next(_obstacles(facts), "")
    if not why:
        return Problem(reasons.CHAMPION_DEGRADED, f"{found}; the champion before it is started next")
    return Problem(reasons.FORMER_CHAMPION_UNAVAILABLE, f"{found}; it goes on serving, no former champion can: {why}")


def _obstacles(facts: Facts) -> Iterator[str]:
    """Why the champion before this one cannot take its place."""
    champion, entry = facts.status.champion, champion_before(facts.status, facts.spec.model.name)
    former = former_pinned(facts)
    assert champion is not None
    promoted = [one for one in facts.status.history if one.outcome == "Promoted"]
    own = [place for place, one in enumerate(promoted) if one.same_version(champion)]
    since = promoted[own[0] :] if own else []  # the champion was promoted for the first time, as far as is known
    if own and promoted[own[-1]].reason == reasons.FORMER_CHAMPION_RESTORED:
        yield f"version {champion.version} itself has taken the place of one that was degraded"
    elif entry is None or former is None:
        yield f"status.history holds no champion before version {champion.version}"
    elif any(one.same_version(former) and one.reason == reasons.FORMER_CHAMPION_RESTORED for one in since):
        yield f"version {former.version} has taken its place once already"
    elif former_champion(facts, former) is None:
        yield f"version {former.version} has lost a trial since it was champion"
    if former is not None and _kept_out(facts, former):
        yield f"spec.rollout.abort keeps version {former.version} out"
    if facts.observed.refusals:
        yield f"nothing is begun that is not permitted: {named(facts.observed.refusals)}"


def _kept_out(facts: Facts, former: Pinned) -> bool:
    abort = facts.spec.rollout.abort
    if abort is None or abort.template is not None or abort.version != former.version:
        return False
    return former.of_model(abort.model or facts.spec.model.name)
