"""Deployments and their pods: they load, become ready one after the other, crash, start again, and drain."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf
from typing import Final

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.status import Pinned
from podium.core.facts import Crash, Key, PodState, ReloadState, SlotState
from podium.ports import Clock
from podium.simulation.world.answered import Answered
from podium.simulation.world.kubelet import backoff, waits
from podium.simulation.world.shadows import Shadow
from podium.simulation.world.templates import environment_of, identity_of

OVER_QUOTA: Final = 'FailedCreate: pods "churn" is forbidden: exceeded quota: ml, requested: pods=1, used: pods=4'
NO_PLACE: Final = "Unschedulable: 0/3 nodes are available: 3 Insufficient memory"  # as the scheduler says it
UNTOLD: Final = 60.0  # seconds until kubelet brings a changed file by itself
HEARING: Final = 0.5  # seconds until a pod sees it then
RESTART: Final = 3.0  # seconds until a container that has ended serves again
_IN_PLACE: Final = '"reload":"InPlace"'  # in the text of a template
_STAGGERED: Final = 3  # so many moments at which pods of one Deployment become ready


@dataclass
class Behaviour:
    """How the pods of a version behave. Times are in seconds since the pod's container was started."""

    ready_after: float = 2.0
    stagger: float = 0.0  # the second pod of a Deployment is ready by this much later, the third by twice as much
    ready: bool = True
    crash_after: float | None = None  # of each start of its container
    crash_after_answers: int | None = None  # the same
    in_flight: int = 0  # requests that it has not answered when it crashes
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
    reload_after: float = 1.0  # to load it in place, from when the pod has heard of it
    reload_failure: str = ""  # why it cannot be loaded in place: restart_needed, not_loaded …
    disagrees: float = 0.0  # share of its good answers that are another prediction than the champion's
    crash_at_reload: bool = False  # its container ends while it loads: both versions are too much for its memory
    cold: int = 0  # the first answers of a pod take 2 s
    shift: float = 0.0  # its predictions are higher than 0..1 by this


@dataclass
class Pod:
    """One pod, and the version that it was made for."""

    uid: str
    name: str
    pinned: Pinned
    behaviour: Behaviour  # its version's: what changes there changes here
    born: float  # when its container was started, for the last time
    late: float = 0.0
    made: float = 0.0
    stopping_since: float | None = None
    crashed_at: float | None = None  # until it is started again
    crashes: int = 0
    last_crash_at: float | None = None
    waiting: str = ""  # why it is not scheduled
    back_at: float = 0.0  # its node has come back by then
    lost: Crash | None = None  # how its node ended it
    ended: tuple[float, Crash] | None = None  # its last crash, as kubelet has written it down
    loaded: bool = False  # what it serves, beside what it served before: it need not be started for that
    reloads: bool = False  # whether it loads in place what its slot is to run
    restarted: bool = False  # its container ended: it reads at its start what it is to serve
    told: str = ""  # what it was told to load, by a write to it
    told_at: float = 0.0
    renewed: str = ""  # the replacement that it came with
    reload: ReloadState | None = None
    reload_failure: str = ""  # why it alone can load no version in place
    answered: Answered = field(default_factory=Answered)
    shadow: Shadow = field(default_factory=Shadow)

    def crashed(self, now: float) -> bool:
        """Whether it has crashed by now, and is not started again yet. Each start of it ends the same way."""
        self._end(now)
        while self.crashed_at is not None and (again := self.crashed_at + backoff(self.crashes)) <= now:
            self.born, self.late, self.answered, self.crashed_at = again, 0.0, Answered(), None
            self.loaded, self.restarted, self.shadow = False, self.reloads, Shadow()
            self._end(now)
        return self.crashed_at is not None

    def _end(self, now: float) -> None:
        """Its container ends at an age, or at an answer."""
        seen = self.behaviour
        old = seen.crash_after is not None and now - self.born >= seen.crash_after
        used = seen.crash_after_answers is not None and self.answered.answers >= seen.crash_after_answers
        if self.crashed_at is None and (old or used):
            self.crashed_at = self.last_crash_at = self.born + (seen.crash_after or 0.0) if old else now
            self.crashes += 1

    def ready(self, now: float) -> bool:
        """Whether it is ready at this moment of the monotonic clock."""
        seen = self.behaviour
        return (
            seen.ready
            and not self.crashed(now)
            and not self.waiting
            and not seen.waiting
            and now >= self.back_at
            and self.stopping_since is None
            and (self.loaded or now - self.born >= seen.ready_after + self.late)
        )

    def follow(self, runs: Pinned, named_at: float, behaviour: Behaviour, clock: Clock) -> None:
        """Load in place what the slot is to run, once that has reached the pod."""
        now, asked = clock.monotonic(), identity_of(runs)
        hears_at = min(named_at + UNTOLD, self.told_at if self.told == str(asked) else inf) + HEARING
        if not self.ready(now) or (now < hears_at and not self.restarted):
            return
        if identity_of(self.pinned) == asked or self.restarted:
            self._serve(runs, behaviour, now)
        elif why := self.reload_failure or behaviour.reload_failure:
            self.reload = ReloadState(runs.digest, "failed", why)
        elif behaviour.crash_at_reload:
            self.lost, self.back_at, self.restarted = Crash(clock.now(), 137, "OOMKilled"), now + RESTART, True
        elif now >= hears_at + behaviour.reload_after:
            self._serve(runs, behaviour, now)

    def _serve(self, runs: Pinned, behaviour: Behaviour, now: float) -> None:
        """A process that swaps counts from zero, as a new one does, and goes on being ready."""
        if identity_of(self.pinned) != identity_of(runs):
            self.behaviour, self.answered, self.crashed_at, self.shadow = behaviour, Answered(), None, Shadow()
            self.born, self.loaded = now - behaviour.ready_after - self.late, True
        self.pinned, self.restarted = runs, False
        self.reload = ReloadState(runs.digest, "served")

    def seen(self, clock: Clock) -> PodState:
        """The pod as the API server shows it: without what it says of itself."""
        now = clock.monotonic()
        held = waits(self.crashes) if self.crashed(now) else ""
        of = self.uid, self.name, self.pinned.version
        return PodState(
            *of,
            ready=self.ready(now),
            ip="10.0.0.1",
            crash=self._last_end(clock),
            waiting=self.waiting or self.behaviour.waiting or held,
            reloads=self.reloads,
            told=self.told,
            template=self.pinned.template.revision if self.pinned.template is not None else "",
        )

    def _last_end(self, clock: Clock) -> Crash | None:
        found = [each for each in (self._crash(clock), self.lost) if each is not None]
        return max(found, key=lambda crash: crash.at, default=None)

    def _crash(self, clock: Clock) -> Crash | None:
        if (at := self.last_crash_at) is None:
            return None
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
    named_at: float = 0.0  # since when the file of pods that reload in place names what it runs
    renewed: str = ""  # the mark of the last replacement of its pods
    file_is_there: bool = True  # the ConfigMap that such pods follow
    protected: bool = True  # by its PodDisruptionBudget
    quota: int | None = None  # pods that it may have
    pods: list[Pod] = field(default_factory=list)

    def allowed(self, pods: int) -> bool:
        """Whether the quota allows another pod."""
        return self.quota is None or pods < self.quota

    @property
    def drifted(self) -> bool:
        """Whether it is not as it was made."""
        return self.serving != self.made_from or not self.protected or not self.file_is_there

    @property
    def in_place(self) -> bool:
        """Whether its pods load in place what it is to run."""
        return _IN_PLACE in self.made_from

    def run(self, pinned: Pinned, replicas: int, serving: str, now: float) -> None:
        """Be made again, as it was made before where that is what is pinned."""
        self.writes += 1
        same = self.runs.same_version(pinned) or (self.in_place and environment_of(self.runs) == environment_of(pinned))
        kept = same and self.runs.template == pinned.template
        if identity_of(self.runs) != identity_of(pinned):
            self.named_at = now
        self.runs, self.replicas, self.protected, self.file_is_there = pinned, replicas, True, True
        self.serving = self.made_from = self.made_from if kept else serving

    def scale(self, replicas: int) -> None:
        """Be scaled."""
        self.replicas, self.writes = replicas, self.writes + 1

    def drift(self) -> None:
        """Be changed by hand."""
        self.serving, self.writes = "changed by hand", self.writes + 1

    def tell(self, pinned: Pinned, pods: Sequence[str], now: float) -> None:
        """Write to these of its pods that they are to load this version in place: kubelet brings them the file."""
        for pod in self.pods:
            if pod.name in pods:
                pod.told, pod.told_at = str(identity_of(pinned)), now

    def fits(self, pod: Pod) -> bool:
        """Whether the pod is of its template: one that reloads in place is that of any version."""
        return pod.reloads == self.in_place and pod.renewed == self.renewed and (pod.reloads or pod.pinned == self.runs)

    def _shown(self, pod: Pod, clock: Clock) -> PodState:
        """Its pod as the API server shows it: which version one serves that reloads in place, only that one knows."""
        return replace(pod.seen(clock), version=self.runs.version) if pod.reloads else pod.seen(clock)

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
            rolled_out=all(self.fits(pod) for pod in living) and len(living) == self.replicas,
            stuck="" if self.allowed(self.replicas - 1) else OVER_QUOTA,
            pods=tuple(self._shown(pod, clock) for pod in sorted(living, key=lambda pod: pod.name)),
            stopping=len(self.pods) - len(living),
            revision=f"{self.born}/{self.writes}",
        )

    def settle(self, clock: Clock, drain: float, behaviour: Behaviour, numbers: Iterator[int]) -> None:
        """Make what is missing, stop what is too much, forget what has gone."""
        now = clock.monotonic()
        self.pods = [pod for pod in self.pods if pod.stopping_since is None or now - pod.stopping_since < drain]
        fitting = [pod for pod in self.living() if self.fits(pod)]
        for pod in fitting:
            if pod.reloads and pod.pinned != self.runs:
                pod.follow(self.runs, self.named_at, behaviour, clock)
            elif pod.ready(now):
                pod.restarted = False
        while len(fitting) < self.replicas and self.allowed(len(self.pods)):
            fitting.append(self._made(next(numbers), now, behaviour, len(fitting)))
            self.pods.append(fitting[-1])
        for pod in fitting[self.replicas :]:
            pod.stopping_since = now
        self._retire(fitting, now)

    def _made(self, number: int, now: float, behaviour: Behaviour, place: int) -> Pod:
        name = f"{self.key.name}-{self.slot}-{number:05d}"
        late = place % _STAGGERED * behaviour.stagger
        made = Pod(
            f"pod-{number}",
            name,
            self.runs,
            behaviour,
            now,
            late=late,
            made=now,
            reloads=self.in_place,
            renewed=self.renewed,
        )
        made.reload = ReloadState(self.runs.digest, "served") if made.reloads else None
        return made

    def _retire(self, fitting: list[Pod], now: float) -> None:
        """Old pods stay until the new ones are ready: maxUnavailable is 0."""
        old = [pod for pod in self.living() if not self.fits(pod)]
        if old and sum(pod.ready(now) for pod in fitting) >= self.replicas:
            for pod in old:
                pod.stopping_since = now


def schedule(deployments: Iterable[Deployment], capacity: int, now: float) -> None:
    """Give the nodes' places to the pods that came first. The others begin their life once there is a place."""
    pods = itertools.chain.from_iterable(deployment.pods for deployment in deployments)
    for place, pod in enumerate(sorted(pods, key=lambda pod: (bool(pod.waiting), pod.made))):
        pod.waiting = NO_PLACE if place >= capacity else ""
        pod.born = now if pod.waiting else pod.born
