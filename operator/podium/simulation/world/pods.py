"""Deployments and their pods: they load, become ready one after the other, crash, are evicted, and drain."""

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Final

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, PodTemplate
from podium.core.facts import Counters, Crash, Histogram, Key, PodState, SlotState
from podium.core.fingerprints import template_hash
from podium.ports import Clock

LATENCIES: Final = (0.05, 0.12, 1.0)  # edges of the pods' histograms, in seconds
SCORES: Final = tuple(tenth / 10 for tenth in range(1, 21))
OVER_QUOTA: Final = 'FailedCreate: pods "churn" is forbidden: exceeded quota: ml, requested: pods=1, used: pods=4'
NO_PLACE: Final = "Unschedulable: 0/3 nodes are available: 3 Insufficient memory"  # as the scheduler says it
_STAGGERED: Final = 3  # so many moments at which pods of one Deployment become ready


@dataclass
class Behaviour:
    """How the pods of a version behave. Times are in seconds since the pod was made."""

    ready_after: float = 2.0
    stagger: float = 0.0  # the second pod of a Deployment is ready by this much later, the third by twice as much
    ready: bool = True
    crash_after: float | None = None  # from then on it is never ready again
    crash_after_answers: int | None = None
    exit_code: int = 1
    crash_reason: str = "Error"  # kubelet's word
    message: str = ""
    waiting: str = ""  # why kubelet does not start it
    digest: str | None = None  # what it says that it serves; None is what it was started for
    silent: bool = False  # says nothing of itself
    startup_step: str = "loading"  # what it does before it is ready
    bad_share: float = 0.0  # of its answers; invalid ones among them
    invalid: float = 0.0  # share of answers that are no numbers
    slow: float = 0.0  # share of answers that take 0.2 s; the others take 0.02 s
    cold: int = 0  # the first answers of a pod take 2 s
    shift: float = 0.0  # its predictions are higher than 0..1 by this


@dataclass
class Answered:
    """What one pod counts of what it has answered."""

    answers: int = 0
    bad: int = 0
    invalid: int = 0
    consecutive_bad: int = 0
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCIES) + 1))
    scores: list[int] = field(default_factory=lambda: [0] * (len(SCORES) + 1))

    def add(
        self, *, bad: bool, invalid: bool = False, seconds: float | None = None, score: float | None = None
    ) -> None:
        """Count one answer, and of its figures those that are given."""
        self.answers, self.bad, self.invalid = self.answers + 1, self.bad + bad, self.invalid + invalid
        self.consecutive_bad = self.consecutive_bad + 1 if bad else 0
        if seconds is not None:
            self.latencies[bisect_left(LATENCIES, seconds)] += 1
        if score is not None and not bad:
            self.scores[bisect_left(SCORES, score)] += 1

    def counters(self) -> Counters:
        """What the pod's metrics page would say."""
        return Counters(
            self.answers,
            self.bad,
            self.invalid,
            self.consecutive_bad,
            latency=_histogram(LATENCIES, self.latencies),
            scores=_histogram(SCORES, self.scores),
        )


@dataclass
class Pod:
    """One pod, and the version that it was made for."""

    uid: str
    name: str
    pinned: Pinned
    behaviour: Behaviour  # its version's: what changes there changes here
    born: float
    late: float = 0.0
    stopping_since: float | None = None
    crashed_at: float | None = None
    waiting: str = ""  # why it is not scheduled
    back_at: float = 0.0  # its node has come back by then
    lost: Crash | None = None  # how its node ended it
    ended: tuple[float, Crash] | None = None  # its last crash, as kubelet has written it down
    answered: Answered = field(default_factory=Answered)

    def crashed(self, now: float) -> bool:
        """Whether it has crashed by now: at an age, or at an answer."""
        seen, age = self.behaviour, now - self.born
        if seen.crash_after is not None and age >= seen.crash_after and self.crashed_at is None:
            self.crashed_at = self.born + seen.crash_after
        if seen.crash_after_answers is not None and self.answered.answers >= seen.crash_after_answers:
            self.crashed_at = self.crashed_at or now
        return self.crashed_at is not None

    def ready(self, now: float) -> bool:
        """Whether it is ready at this moment of the monotonic clock."""
        seen = self.behaviour
        return (
            seen.ready
            and not self.waiting
            and not seen.waiting
            and now >= self.back_at
            and self.stopping_since is None
            and now - self.born >= seen.ready_after + self.late
            and not self.crashed(now)
        )

    def seen(self, clock: Clock) -> PodState:
        """The pod as the API server shows it: without what it says of itself."""
        now = clock.monotonic()
        crash = self._crash(clock) if self.crashed(now) else self.lost
        of = self.uid, self.name, self.pinned.version
        return PodState(
            *of, ready=self.ready(now), ip="10.0.0.1", crash=crash, waiting=self.waiting or self.behaviour.waiting
        )

    def _crash(self, clock: Clock) -> Crash:
        at = self.crashed_at or 0.0
        if self.ended is None or self.ended[0] != at:
            seen, ended = self.behaviour, clock.now() - timedelta(seconds=clock.monotonic() - at)
            self.ended = at, Crash(ended, seen.exit_code, seen.crash_reason, seen.message)
        return self.ended[1]


@dataclass
class Deployment:
    """A slot's Deployment, and what its controller does."""

    key: Key
    slot: Slot
    owner: str
    runs: Pinned
    replicas: int
    serving: str  # the spec that it was made from, as text
    made_from: str  # the same, until someone changes it by hand
    born: float  # on the monotonic clock
    writes: int = 0  # of its spec
    protected: bool = True  # by its PodDisruptionBudget
    quota: int | None = None  # pods that it may have
    pods: list[Pod] = field(default_factory=list)

    def allowed(self, pods: int) -> bool:
        """Whether the quota allows another pod."""
        return self.quota is None or pods < self.quota

    @property
    def drifted(self) -> bool:
        """Whether it is not as it was made."""
        return self.serving != self.made_from or not self.protected

    def run(self, pinned: Pinned, replicas: int, serving: str) -> None:
        """Be made again, as it was made before where that is what is pinned."""
        self.writes += 1
        kept = self.runs.same_version(pinned) and self.runs.template == pinned.template
        self.runs, self.replicas, self.protected = pinned, replicas, True
        self.serving = self.made_from = self.made_from if kept else serving

    def scale(self, replicas: int) -> None:
        """Be scaled."""
        self.replicas, self.writes = replicas, self.writes + 1

    def drift(self) -> None:
        """Be changed by hand."""
        self.serving, self.writes = "changed by hand", self.writes + 1

    def living(self) -> list[Pod]:
        """Its pods that are not being stopped."""
        return [pod for pod in self.pods if pod.stopping_since is None]

    def seen(self, clock: Clock, *, readable: bool) -> SlotState:
        """The Deployment as the API server shows it; `readable` is whether Podium can tell how it should be."""
        living = self.living()
        return SlotState(
            runs=self.runs,
            replicas=self.replicas,
            up_to_date=readable and not self.drifted,
            rolled_out=all(pod.pinned == self.runs for pod in living) and len(living) == self.replicas,
            stuck="" if self.allowed(self.replicas - 1) else OVER_QUOTA,
            pods=tuple(pod.seen(clock) for pod in sorted(living, key=lambda pod: pod.name)),
            stopping=len(self.pods) - len(living),
            revision=f"{self.born}/{self.writes}",
        )

    def settle(self, now: float, drain: float, behaviour: Behaviour, numbers: Iterator[int]) -> None:
        """Make what is missing, stop what is too much, forget what has gone."""
        self.pods = [pod for pod in self.pods if pod.stopping_since is None or now - pod.stopping_since < drain]
        fitting = [pod for pod in self.living() if pod.pinned == self.runs]
        while len(fitting) < self.replicas and self.allowed(len(self.pods)):
            fitting.append(self._made(next(numbers), now, behaviour, len(fitting)))
            self.pods.append(fitting[-1])
        for pod in fitting[self.replicas :]:
            pod.stopping_since = now
        self._retire(fitting, now)

    def _made(self, number: int, now: float, behaviour: Behaviour, place: int) -> Pod:
        name = f"{self.key.name}-{self.slot}-{number:05d}"
        return Pod(f"pod-{number}", name, self.runs, behaviour, now, late=place % _STAGGERED * behaviour.stagger)

    def _retire(self, fitting: list[Pod], now: float) -> None:
        """Old pods stay until the new ones are ready: maxUnavailable is 0."""
        old = [pod for pod in self.living() if pod.pinned != self.runs]
        if old and sum(pod.ready(now) for pod in fitting) >= self.replicas:
            for pod in old:
                pod.stopping_since = now


def template_of(spec: Spec, rendering: str, image: str) -> str:
    """What the pods of a Deployment are made from."""
    made = spec.serving.model_copy(update={"image": spec.serving.image or image})
    return rendering + made.model_dump_json(exclude={"replicas", "autoscaling"})


def pod_template(made_from: tuple[Spec, str, str]) -> PodTemplate:
    """Which template that is: of a spec, by a rendering, and with this image where the spec names none."""
    spec, _, image = made_from
    revision = sha256(template_of(*made_from).encode()).hexdigest()[:10]
    return PodTemplate(revision=revision, spec_hash=template_hash(spec), image=spec.serving.image or image)


def schedule(deployments: Iterable[Deployment], capacity: int, now: float) -> None:
    """Give the nodes' places to the pods that came first. The others begin their life once there is a place."""
    pods = itertools.chain.from_iterable(deployment.pods for deployment in deployments)
    for place, pod in enumerate(sorted(pods, key=lambda pod: (bool(pod.waiting), pod.born))):
        pod.waiting = NO_PLACE if place >= capacity else ""
        pod.born = now if pod.waiting else pod.born


def pod_of(deployments: Iterable[Deployment], uid: str) -> Pod | None:
    """The pod of this uid."""
    pods = itertools.chain.from_iterable(deployment.pods for deployment in deployments)
    return next((pod for pod in pods if pod.uid == uid), None)


def _histogram(edges: tuple[float, ...], counts: list[int]) -> Histogram:
    total = sum(counts)
    return Histogram(edges, tuple(itertools.accumulate(counts))[: len(edges)], total) if total else Histogram()
