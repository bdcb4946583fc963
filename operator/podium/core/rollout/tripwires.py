"""Tripwires: single facts that end a trial at once, without statistics. That it has lost already is one of them.

Whether a crash is part of the trial is not read from clocks: nodes have others than the operator. What had crashed when
the trial began is written down.
"""

from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Pinned, Trial, Verdict
from podium.core.analysis.shared_outage import NOT_REJECTED
from podium.core.facts import Crash, Facts, PodState
from podium.core.rollout.circumstances import held, last_crash, of_end, of_pod
from podium.core.rollout.templates import on_trial

# Exit codes of the model server (podium.runtime.exits) that mean more than a crash
STALLED = 9
REASONS: Final = {
    4: reasons.LOAD_FAILED,  # the files do not become a model
    5: reasons.IDENTITY_MISMATCH,
    6: reasons.LOAD_FAILED,  # a requirement is missing
    7: reasons.LOAD_FAILED,  # the warm-up failed
    STALLED: reasons.PREDICTION_STALLED,
    13: reasons.SIGNATURE_NOT_VERIFIED,
}
SHORT = len("sha256:") + 12


def tripped(facts: Facts) -> Verdict | None:
    """A single fact that ends a trial at once."""
    subject, trial = facts.subject, facts.status.trial
    if subject is None or trial is None or facts.serves_alone:
        return None  # a rollback would stop the only version that answers: Kubernetes restarts its pods
    if facts.lost is not None:
        return facts.lost  # what spoke against it may be gone by now
    for pod in facts.observed.slot(subject.slot).pods:
        if not pod.made_for(subject):
            continue
        found = _wrong_identity(pod, subject) or _crashed(pod, facts) or _failing(pod, facts)
        if found is not None:
            return found
    return _nothing_ready(facts, subject)


def _wrong_identity(pod: PodState, subject: Pinned) -> Verdict | None:
    identity = pod.identity
    if identity is None or (identity.version, identity.digest) == (subject.version, subject.digest):
        return None
    message = (
        f"pod {pod.name} serves version {identity.version} with digest {identity.digest[:SHORT]}…, expected version "
        f"{subject.version} with digest {subject.digest[:SHORT]}…"
    )
    return Verdict(reason=reasons.IDENTITY_MISMATCH, message=message, rejects=True)


def _crashed(pod: PodState, facts: Facts) -> Verdict | None:
    crash, trial = pod.crash, facts.status.trial
    # A registry that cannot be reached, or a lost node: the pods try again until the startup timeout.
    if crash is None or trial is None or last_crash(pod) in trial.earlier_crashes or of_end(crash) is not None:
        return None
    detail = f": {crash.message}" if crash.message else ""
    message = f"pod {pod.name} ended with exit code {crash.exit_code} ({crash.reason}){detail}"
    if crash.exit_code == STALLED and _champion_stalled(facts, trial):
        message = f"{message}, and so did a pod of the champion; {NOT_REJECTED}"
        return Verdict(reason=reasons.SHARED_OUTAGE, message=message)
    return Verdict(reason=_crash_reason(crash), message=message, rejects=True)


def _champion_stalled(facts: Facts, trial: Trial) -> bool:
    """What both versions wait for, a feature store for example, hangs both of them."""
    beside = facts.observed.slot(facts.fallback.slot).pods if facts.fallback is not None else ()
    crashed = [pod for pod in beside if pod.crash is not None and pod.crash.exit_code == STALLED]
    return any(last_crash(pod) not in trial.earlier_crashes for pod in crashed)


def _crash_reason(crash: Crash) -> str:
    if crash.reason == "OOMKilled":
        return reasons.OUT_OF_MEMORY
    return REASONS.get(crash.exit_code, reasons.CRASHED)


def _failing(pod: PodState, facts: Facts) -> Verdict | None:
    """Every recent answer was bad. Where the champion's pods report the same, it is a shared outage."""
    trial, counters, fallback = facts.status.trial, pod.counters, facts.fallback
    if trial is None or counters is None or fallback is None or counters.consecutive_bad < trial.consecutive_failures:
        return None
    message = f"the last {counters.consecutive_bad} answers of pod {pod.name} were all bad"
    beside = [other.counters for other in facts.observed.slot(fallback.slot).pods if other.counters is not None]
    if any(other.consecutive_bad >= trial.consecutive_failures for other in beside):
        message = f"{message}, and so were those of champion {fallback.version}; {NOT_REJECTED}"
        return Verdict(reason=reasons.SHARED_OUTAGE, message=message)
    own = on_trial(facts.status)  # a template's trial is decided at once
    return Verdict(reason=reasons.CONSECUTIVE_FAILURES, message=message, rejects=own, suspects=not own)


def _nothing_ready(facts: Facts, subject: Pinned) -> Verdict | None:
    """None of the subject's pods can take traffic any more, while the other version could.

    A pod that was drained or evicted is gone, and the one in its place has not answered yet, though its counters are
    there while it loads: that is no fault of the version. Only pods that did answer, and are still there, speak
    against it: those that had answered by the last reconcile, because readiness is read before the counters, and a pod
    can become ready and answer between the two.
    """
    fallback, trial, seen = facts.fallback, facts.status.trial, facts.observed.slot(subject.slot)
    carries = facts.observed.traffic.desired.get(subject.slot, 0) > 0
    if fallback is None or trial is None or not carries or seen.ready(subject):
        return None
    if not facts.observed.slot(fallback.slot).ready(fallback):
        return None
    lost = [pod for pod in seen.pods if pod.uid in facts.answered_before]
    if not lost:
        return None
    names = ", ".join(pod.name for pod in lost[:3])
    message = f"version {subject.version} has no ready pod left: {names} cannot take requests any more"
    found = [of_pod(pod) for pod in lost]
    if found[0] is not None and all(found):
        return held(found[0], message)
    return Verdict(reason=reasons.NO_READY_PODS, message=message, rejects=True)
