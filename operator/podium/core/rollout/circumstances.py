"""Circumstances: causes that are not the version's own. They take its traffic back, and do not reject it.

Each row is a cause, as Kubernetes or the pods name it, and the reason of the hold that follows. What has no row is the
version's own fault: it does not load, answers badly, takes too much memory, or ends with an exit code of its own. A
held version is tried again, after 30 s at first and every 10 minutes at the last: with none of its pods there, a trial
is the only way to see whether the circumstance is gone.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.outage import Suspicion
from podium.api.v1alpha1.status import Hold, Pinned, Verdict
from podium.api.v1alpha1.values.base import format_time
from podium.core.facts import Crash, Facts, PodState, Problem
from podium.core.fingerprints import fingerprints
from podium.core.rollout.desired import resolve_desired

NOT_ITS_OWN: Final = "not the version's own fault, so it is not rejected"
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=10)

FETCHING: Final = "fetching"  # the startup step of a server that waits for the registry (podium.runtime.startup)
# Why kubelet or the scheduler does not start a pod
WAITING: Final[Mapping[str, str]] = {
    "ImagePullBackOff": reasons.IMAGE_UNAVAILABLE,
    "ErrImagePull": reasons.IMAGE_UNAVAILABLE,
    "ErrImageNeverPull": reasons.IMAGE_UNAVAILABLE,
    "InvalidImageName": reasons.IMAGE_UNAVAILABLE,
    "ImageInspectError": reasons.IMAGE_UNAVAILABLE,
    "RegistryUnavailable": reasons.IMAGE_UNAVAILABLE,
    "Unschedulable": reasons.UNSCHEDULABLE,
    "CreateContainerConfigError": reasons.CONTAINER_NOT_CREATED,
    "CreateContainerError": reasons.CONTAINER_NOT_CREATED,
}
# Why a Deployment makes no pods: a quota, or an admission webhook
STUCK: Final[Mapping[str, str]] = {"FailedCreate": reasons.PODS_REFUSED}
# How a container ends that did not end by itself, in kubelet's words and by exit code
END_REASONS: Final[Mapping[str, str]] = {
    "ContainerStatusUnknown": reasons.NODE_LOST,
    "Evicted": reasons.NODE_LOST,
    "NodeLost": reasons.NODE_LOST,
    "NodeShutdown": reasons.NODE_LOST,
    "Preempting": reasons.NODE_LOST,
    "Shutdown": reasons.NODE_LOST,
    "Terminated": reasons.NODE_LOST,
}
END_CODES: Final[Mapping[int, str]] = {
    3: reasons.MODEL_NOT_FETCHED,  # podium.runtime.exits: no source gave the model
    10: reasons.NO_STORAGE,  # podium.runtime.exits: the node's disk
    255: reasons.NODE_LOST,  # containerd, of a container that a reboot ended
}
CIRCUMSTANCES: Final = frozenset(
    {
        *WAITING.values(),
        *STUCK.values(),
        *END_REASONS.values(),
        *END_CODES.values(),
        reasons.PODS_NOT_SCRAPED,
        reasons.CHAMPION_INCONCLUSIVE,
        reasons.SAMPLE_RATIO_MISMATCH,
    }
)


def circumstance(facts: Facts, pinned: Pinned) -> Problem | None:
    """What keeps pods of a version from serving that is not its own; None where nothing is known."""
    seen = facts.observed.slot(pinned.slot)
    if (reason := _named(STUCK, seen.stuck)) is not None:
        return Problem(reason, seen.stuck)
    pods = [pod for pod in seen.pods if pod.made_for(pinned)]
    return next((found for pod in pods if (found := of_pod(pod)) is not None), None)


def of_pod(pod: PodState) -> Problem | None:
    """The circumstance that keeps one pod from serving."""
    if pod.ready:
        message = f"pod {pod.name} is ready, and Podium cannot scrape its metrics: see NetworkPolicies and mTLS"
        return Problem(reasons.PODS_NOT_SCRAPED, message) if pod.identity is None else None
    if (reason := _named(WAITING, pod.waiting)) is not None:
        return Problem(reason, pod.waiting)
    ended = of_end(pod.crash) if pod.crash is not None else None
    if ended is None and pod.startup_step == FETCHING:
        return Problem(reasons.MODEL_NOT_FETCHED, f"pod {pod.name} still waits for the model from the registry")
    return ended


def last_crash(pod: PodState) -> str:
    """Which crash of a pod that is: when it ended, by the clock of its node; "" where there was none."""
    return f"{pod.uid}@{format_time(pod.crash.at)}" if pod.crash is not None else ""


def of_end(crash: Crash) -> Problem | None:
    """The circumstance that ended a container; None where it ended by itself."""
    reason = END_REASONS.get(crash.reason) or END_CODES.get(crash.exit_code)
    detail = crash.message or f"exit code {crash.exit_code} ({crash.reason})"
    return Problem(reason, detail) if reason is not None and crash.reason != "OOMKilled" else None


def held(problem: Problem, message: str) -> Verdict:
    """The verdict of a circumstance: the traffic goes back, and the version is not rejected."""
    return Verdict(reason=problem.reason, message=f"{message}: {problem.message}; {NOT_ITS_OWN}")


def next_hold(facts: Facts, subject: Pinned | Suspicion, verdict: Verdict) -> Hold | None:
    """The hold after a trial has ended by this verdict: another one of the same version waits for longer."""
    if verdict.reason not in CIRCUMSTANCES:
        return None
    known = facts.status.held
    again = known is not None and (known.version, known.digest) == (subject.version, subject.digest)
    return Hold(
        **subject.identity,
        reason=verdict.reason,
        message=verdict.message,
        since=facts.now,
        attempts=known.attempts + 1 if known is not None and again else 1,
        spec_hash=fingerprints(facts).whole,
    )


def standing_hold(facts: Facts) -> Hold | None:
    """The hold of the desired version, until it is to be tried again. A clock that went back ends it."""
    hold = relevant_hold(facts)
    return hold if hold is not None and hold.since <= facts.now < hold.since + wait(hold) else None


def relevant_hold(facts: Facts) -> Hold | None:
    """The hold as long as it is about what Git says: the version, and the spec, which may mend what held it."""
    hold, version = facts.status.held, resolve_desired(facts)
    if hold is None or hold.spec_hash != fingerprints(facts).whole or not facts.of_source(hold):
        return None
    known = version is None or (version.version, version.digest) == (hold.version, hold.digest)
    return hold if known else None


def wait(hold: Hold) -> timedelta:
    """How long after a trial the next one begins."""
    return min(FIRST_WAIT * (1 << min(hold.attempts - 1, 10)), LONGEST_WAIT)


def _named(table: Mapping[str, str], text: str) -> str | None:
    """The reason of the row whose name begins what was said: `ImagePullBackOff: Back-off pulling image …`."""
    return table.get(text.partition(":")[0])
