"""Tripwires: single facts that end a trial at once, without statistics."""

from podium.api import reasons
from podium.api.status import Pinned, Verdict
from podium.core.facts import Crash, Facts, PodSeen

COULD_NOT_FETCH, DIGEST_MISMATCH = 3, 5  # exit codes of the model server that mean more than a crash
SHORT = len("sha256:") + 12
LOAD_FAILURES = (4, 6, 7)  # could not load, a requirement is missing, the warm-up failed


def tripped(facts: Facts) -> Verdict | None:
    """A single fact that ends a trial at once."""
    subject, trial = facts.subject, facts.status.trial
    if subject is None or trial is None:
        return None
    for pod in facts.world.slot(subject.slot).pods:
        if pod.version != subject.version:
            continue
        found = _wrong_identity(pod, subject) or _crashed(pod, facts)
        if found is not None:
            return found
    return _nothing_ready(facts, subject)


def _wrong_identity(pod: PodSeen, subject: Pinned) -> Verdict | None:
    said = pod.identity
    if said is None or (said.version, said.digest) == (subject.version, subject.digest):
        return None
    message = (
        f"pod {pod.name} serves version {said.version} with digest {said.digest[:SHORT]}…, pinned is version "
        f"{subject.version} with {subject.digest[:SHORT]}…"
    )
    return Verdict(reason=reasons.IDENTITY_MISMATCH, message=message, rejects=True)


def _crashed(pod: PodSeen, facts: Facts) -> Verdict | None:
    crash, trial = pod.crash, facts.status.trial
    # A registry that cannot be reached is not the version's fault: its pods try again until the warm-up is overdue.
    if crash is None or trial is None or crash.at < trial.began or crash.exit_code == COULD_NOT_FETCH:
        return None
    said = f": {crash.message}" if crash.message else ""
    message = f"pod {pod.name} ended with exit code {crash.exit_code} ({crash.reason}){said}"
    return Verdict(reason=_crash_reason(crash), message=message, rejects=True)


def _crash_reason(crash: Crash) -> str:
    if crash.exit_code == DIGEST_MISMATCH:
        return reasons.IDENTITY_MISMATCH
    if crash.exit_code in LOAD_FAILURES:
        return reasons.LOAD_FAILED
    return reasons.OUT_OF_MEMORY if crash.reason == "OOMKilled" else reasons.CRASHED


def _nothing_ready(facts: Facts, subject: Pinned) -> Verdict | None:
    """All traffic rests on the subject and none of its pods can take it, while the other version could."""
    fallback = facts.fallback
    carries_all = facts.world.traffic.asked.get(subject.slot, 0) == 100  # noqa: PLR2004 - percent
    if fallback is None or not carries_all or facts.world.slot(subject.slot).ready(subject):
        return None
    if not facts.world.slot(fallback.slot).ready(fallback):
        return None
    message = f"version {subject.version} has all the traffic and no ready pod"
    return Verdict(reason=reasons.NO_READY_PODS, message=message, rejects=True)
