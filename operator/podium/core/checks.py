"""The questions that move a rollout: each `Facts -> Verdict | None`, each about one thing.

A check that speaks gives the reason (a constant of `podium.api.reasons`) and a message that a person can act on. Which
check is asked in which phase, and in which order, stands in `podium.core.rollout`.
"""

from collections.abc import Callable
from datetime import timedelta

from podium.api import reasons
from podium.api.base import format_duration
from podium.api.status import Verdict
from podium.core import gates, guards
from podium.core.draining import drained
from podium.core.facts import ALL, Facts
from podium.core.measures import ERRORS
from podium.core.shares import share_pods
from podium.core.terms import terms
from podium.core.wishes import former_champion, rejection, wanted, wish

Check = Callable[[Facts], Verdict | None]

# --- what Git wants ---------------------------------------------------------------------------------------------------


def challenger_found(facts: Facts) -> Verdict | None:
    version, champion = wanted(facts), facts.status.champion
    if version is None or facts.world.rival is not None or rejection(facts) is not None:
        return None
    if champion is not None and version.version == champion.version:
        return None
    if facts.status.environment is not None:
        return None  # the champion has to be well again before anybody is tried beside it
    return Verdict(
        reason=reasons.CHALLENGER_FOUND,
        message=f"Git wants version {version.version} of {facts.spec.model.name} as champion",
    )


def known_rejected(facts: Facts) -> Verdict | None:
    found = rejection(facts)
    if found is None or (facts.status.champion is not None and facts.status.champion.version == found.version):
        return None
    message = f"version {found.version} stays rejected: {found.message}"
    return Verdict(reason=reasons.VERSION_REJECTED, message=message)


def content(facts: Facts) -> Verdict | None:
    champion = facts.status.champion
    if champion is None or wish(facts) != champion.version:
        return None
    return Verdict(reason=reasons.SETTLED, message=f"version {champion.version} is what Git wants")


def withdrawn(facts: Facts) -> Verdict | None:
    version, subject = wish(facts), facts.subject
    if version is None or subject is None:
        return None
    if version != subject.version:
        return Verdict(reason=reasons.WITHDRAWN, message=f"Git wants version {version} now, not {subject.version}")
    return None


def artifacts_changed(facts: Facts) -> Verdict | None:
    """Before a pod was started, a version whose artifacts changed is simply pinned anew."""
    version, subject = facts.world.registry.wanted, facts.subject
    if version is None or subject is None or version.digest == subject.digest:
        return None
    return Verdict(reason=reasons.ARTIFACTS_CHANGED, message=f"the artifacts of version {version.version} have changed")


def terms_changed(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or trial.terms == terms(facts.spec):
        return None
    return Verdict(reason=reasons.TERMS_CHANGED, message="Git changed gates, steps or guards: the trial starts anew")


# --- gates ------------------------------------------------------------------------------------------------------------


def trusted(facts: Facts) -> Verdict | None:
    subject = facts.subject
    if subject is None or former_champion(facts, subject) is None:
        return None
    message = f"version {subject.version} was champion before, with the same digest: it returns without steps"
    return Verdict(reason=reasons.FORMER_CHAMPION, message=message)


def gate_failed(facts: Facts) -> Verdict | None:
    version = facts.world.registry.wanted
    problems = gates.saying("fails", facts, version) if version is not None else []
    return Verdict(reason=reasons.GATES_FAILED, message="; ".join(problems)) if problems else None


def gates_wait(facts: Facts) -> Verdict | None:
    """No gate fails any more, and some wait for a person, a pod, a service or their time."""
    version = facts.world.registry.wanted
    if version is None or gate_failed(facts) is not None:
        return None
    waiting = gates.saying("waits", facts, version)
    return Verdict(reason=reasons.GATES_WAIT, message="; ".join(waiting)) if waiting else None


def gates_passed(facts: Facts) -> Verdict | None:
    version = facts.world.registry.wanted
    if version is None or any(asked.state != "holds" for asked in gates.ask(facts, version)):
        return None
    names = ", ".join(gate.name for gate in facts.spec.gates)
    return Verdict(reason=reasons.GATES_PASSED, message=f"all gates hold: {names}" if names else "no gate is asked for")


# --- progress ---------------------------------------------------------------------------------------------------------


def overdue(facts: Facts) -> Verdict | None:
    """Too few pods were proved for too long. A pause, in which they all are, is no part of it, however long."""
    limit, subject, trial = facts.spec.rollout.warm_up, facts.subject, facts.status.trial
    if subject is None or trial is None or trial.warming_since is None or facts.now - trial.warming_since < limit:
        return None
    pods = facts.world.slot(subject.slot).pods
    why = sorted({pod.waiting or (pod.crash.message if pod.crash else "") for pod in pods} - {""})
    message = f"version {subject.version} was not ready within {format_duration(limit)}"
    return Verdict(reason=reasons.WARM_UP_OVERDUE, message=": ".join([message, *why[:3]]), rejects=True)


def _proved(facts: Facts, pods: int) -> bool:
    subject = facts.subject
    return subject is not None and facts.world.slot(subject.slot).proved(subject) >= pods


def _unopposed(facts: Facts) -> bool:
    """A former champion, which is trusted, or the first version, which has nobody to be tried against."""
    trial = facts.status.trial
    return facts.fallback is None or (trial is not None and trial.trusted)


def warmed_unopposed(facts: Facts) -> Verdict | None:
    """Ready for all traffic at once."""
    if not _unopposed(facts) or not _proved(facts, facts.spec.serving.size):
        return None
    return Verdict(reason=reasons.WARMED, message="ready; it gets all the traffic")


def warmed(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or _unopposed(facts):
        return None
    weight = trial.steps[0].weight
    if not _proved(facts, share_pods(weight, facts.spec)) or _in_phase(facts) < testing(facts):
        return None
    return Verdict(reason=reasons.WARMED, message=f"ready; it gets {weight} % of the traffic")


def guard_broken(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or facts.fallback is None:
        return None  # with nobody to return to, a verdict would only take the service away
    broken = [judged for judged in guards.judge(trial) if judged.state == "broken"]
    if not broken:
        return None
    message = "; ".join(judged.message for judged in broken)
    if all(judged.everywhere for judged in broken):
        message = f"{message}; champion {facts.fallback.version} breaks the same: nobody is to blame"
        return Verdict(reason=reasons.ENVIRONMENT_DEGRADED, message=message)
    return Verdict(reason=reasons.GUARD_BROKEN, message=message, rejects=True)


def step_passed(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or _is_last(facts) or not _held(facts):
        return None
    if not _exposed(facts) and not _silence_passes(facts):
        return None
    message = f"step {trial.step + 1} of {len(trial.steps)} passed, {trial.steps[trial.step + 1].weight} % is next"
    return Verdict(reason=reasons.STEP_PASSED, message=f"{message}; {_evidence(facts)}")


def last_step_passed(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or not _is_last(facts) or not _held(facts):
        return None
    if any(judged.state != "holds" for judged in guards.judge(trial)) and not _silence_passes(facts):
        return None
    message = f"all {len(trial.steps)} steps passed; {_evidence(facts)}"
    return Verdict(reason=reasons.STEPS_PASSED, message=message)


def silence_ends_it(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or trial.on_silence != "rollback" or not _out_of_patience(facts):
        return None
    message = f"too little traffic to tell within {format_duration(trial.patience)}; {_evidence(facts)}"
    return Verdict(reason=reasons.SILENCE, message=message, rejects=True)


def promoted(facts: Facts) -> Verdict | None:
    subject, traffic = facts.subject, facts.world.traffic
    if subject is None or not traffic.current or traffic.asked.get(subject.slot, 0) != ALL:
        return None
    return Verdict(reason=reasons.PROMOTED, message=f"version {subject.version} is champion and has all the traffic")


def watch_passed(facts: Facts) -> Verdict | None:
    trial, former = facts.status.trial, facts.status.former
    if former is None:
        return Verdict(reason=reasons.WATCH_PASSED, message="there was no champion before to keep warm")
    if trial is None or _in_phase(facts) < trial.watch or not drained(facts, former.slot):
        return None
    message = f"{format_duration(trial.watch)} passed without a broken guard; {_evidence(facts)}"
    return Verdict(reason=reasons.WATCH_PASSED, message=message)


def restored(facts: Facts) -> Verdict | None:
    champion, challenger = facts.status.champion, facts.status.challenger
    if challenger is None:
        return Verdict(reason=reasons.RESTORED, message="there was nothing to take back")
    world = facts.world
    if champion is None:
        gone = world.slot(challenger.slot).replicas == 0
        message = f"version {challenger.version} is stopped; there was no champion before it"
        return Verdict(reason=reasons.RESTORED, message=message) if gone else None
    back = world.traffic.asked.get(champion.slot) == ALL
    if not back or not drained(facts, challenger.slot):
        return None
    return Verdict(reason=reasons.RESTORED, message=f"version {champion.version} has all the traffic")


def restored_from_a_loser(facts: Facts) -> Verdict | None:
    trial, challenger = facts.status.trial, facts.status.challenger
    lost, back = trial.verdict if trial is not None else None, restored(facts)
    if back is None or lost is None or challenger is None or not lost.rejects:
        return None
    message = f"version {challenger.version} is rejected: {lost.message}; {back.message}"
    return Verdict(reason=reasons.VERSION_REJECTED, message=message)


def testing(facts: Facts) -> timedelta:
    """How long testers have the challenger for themselves at the least."""
    preview = facts.spec.traffic.preview
    return preview.hold if preview is not None else timedelta(0)


# --- time and evidence ------------------------------------------------------------------------------------------------


def _in_phase(facts: Facts) -> timedelta:
    return facts.now - (facts.status.phase_since or facts.now)


def _is_last(facts: Facts) -> bool:
    trial = facts.status.trial
    return trial is not None and trial.step == len(trial.steps) - 1


def _held(facts: Facts) -> bool:
    """The step's weight has been seen in force for as long as the step asks."""
    trial = facts.status.trial
    if trial is None or trial.in_force_since is None:
        return False
    return facts.now - trial.in_force_since >= trial.steps[trial.step].hold


def _exposed(facts: Facts) -> bool:
    """There are answers enough that a bad version would have been found out."""
    trial = facts.status.trial
    assert trial is not None
    return all(judged.exposed for judged in guards.judge(trial))


def _out_of_patience(facts: Facts) -> bool:
    trial = facts.status.trial
    return trial is not None and trial.step_began is not None and facts.now - trial.step_began >= trial.patience


def _silence_passes(facts: Facts) -> bool:
    trial = facts.status.trial
    return trial is not None and trial.on_silence == "proceed" and _out_of_patience(facts)


def _evidence(facts: Facts) -> str:
    trial = facts.status.trial
    tally = trial.evidence.measured(ERRORS.name).challenger if trial else None
    return f"{tally.answers} answers, {tally.bad} bad" if tally else "no answers"
