"""One walk on the cluster: each step is applied, waited for, and checked against what the pods and the clients say."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

from bench.cluster import orders
from bench.cluster.subject import Subject
from bench.walks.draft import Draft, Spec
from bench.walks.ground import FAILING, Ground
from bench.walks.outcome import End, Wish, blamed, champion, end, faults, final, known_reasons
from bench.walks.steps import Step
from demo import registry, stage
from demo.clients import Clients
from demo.ledger import Answer, Ledger
from demo.rollout import NAME, Seen
from testbed.cluster import Cluster
from testbed.errors import CommandFailed

RATE = 10.0  # requests a second
DEADLINE = 150.0  # seconds until a step must have ended
NEWS = 15.0  # seconds until a move of an alias is known: the operator polls every 10 s
STANDS = 2.0  # seconds for which a reason must stay that is not final
FOLLOWS = 10.0  # seconds that kube-proxy may take to follow the endpoints, on a busy machine
ASKED = 8  # answers in a row that tell which version serves; each over a connection of its own
HTTP_TIMEOUT = 10.0
Serves = tuple[str, str]  # model and version


class NotEnded(Exception):
    """A step did not end as a step must."""


@dataclass
class Tally:
    """What came of the steps."""

    ends: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    requests: int = 0
    own_failures: int = 0  # failed answers of the version that fails at each request, while it was on trial


@dataclass
class Walker:
    """One ModelDeployment, and the client who asks it."""

    cluster: Cluster
    ground: Ground
    say: Callable[[str], None]
    tally: Tally = field(default_factory=Tally)
    known: Collection[str] = field(default_factory=known_reasons)
    _where: str = "before the first step"
    _began: float = 0.0  # of the step
    _wish: Wish | None = None
    _draft: Draft | None = None  # what is in force

    def __post_init__(self) -> None:
        self.subject = Subject(self.cluster, self._look, self.ground.namespace)
        body = [orders.body(orders.WORK)]
        self.clients = Clients("127.0.0.1", self.ground.port, body, RATE, time.monotonic, per_connection=1)

    async def walk(self, steps: Iterable[Step]) -> Tally:
        """Take all steps. The client asks from the end of the first one on."""
        first, *others = steps
        async with self.subject.followed():
            await self._step(0, first)
            async with self._asked():
                for number, step in enumerate(others, 1):
                    await self._step(number, step)
                    await self._heard()
        return self.tally

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[None]:
        if not await self.clients.reached(DEADLINE):
            self._violated(f"no answer at 127.0.0.1:{self.ground.port} within {DEADLINE:g} s")
        stop = asyncio.Event()
        asking = asyncio.create_task(self.clients.run(stop))
        try:
            yield
        finally:
            stop.set()
            await asking
            await self._heard()

    # --- a step

    async def _step(self, number: int, step: Step) -> None:
        self._where = f"{self.ground.namespace} step {number} {step.kind}"
        self._began = began = time.monotonic()
        try:
            found = await (self._refused(step.spec) if step.refused else self._taken(step))
        except NotEnded as why:
            self.tally.ends["unended"] += 1
            self._violated(str(why))
            return
        self.tally.ends[found.kind] += 1
        self.tally.reasons[found.reason] += 1
        self.say(f"{self._where}: {found.kind} {found.reason} after {time.monotonic() - began:.1f} s")

    async def _refused(self, spec: Spec) -> End:
        """The API server refuses it, and the object is as it was."""
        before = await self._generation()
        try:
            await self.subject.apply(spec)
        except CommandFailed as refusal:
            if not _is_refusal(refusal.output):
                raise NotEnded(f"the API server does not say that the spec is invalid: {refusal}") from refusal
            if await self._generation() != before:
                raise NotEnded("the spec was refused, and the generation is another one") from refusal
            return End("refused", "Invalid")
        raise NotEnded(f"the API server took an invalid spec: {json.dumps(spec)}")

    async def _taken(self, step: Step) -> End:
        """It is applied, and ends."""
        alias = self._draft.alias if self._draft is not None else ""
        if step.first is not None:
            await self._commit(step.first)
            await asyncio.sleep(step.lead)
        wish = await self._commit(step.draft)
        moved = step.draft.follows and step.draft.alias != alias
        found = await self._ended(wish, NEWS if moved else 0.0)
        if blamed(found, step.draft):
            self._violated(f"{found.reason} for {wish.model}/{wish.version}, which works: {self.subject.seen.message}")
        await self._proved(found)
        return found

    async def _commit(self, draft: Draft) -> Wish:
        """It is in force; what every status must say from now on."""
        await self._arrange(draft)
        self._wish = None  # until it is known which generation the spec has
        try:
            generation = await self.subject.apply(draft.spec)
        except CommandFailed as refusal:
            raise NotEnded(f"a valid spec was refused: {refusal}") from refusal
        self._wish, self._draft = (wish := Wish.of(draft, generation)), draft
        self._look(self.subject.seen)
        return wish

    async def _arrange(self, draft: Draft) -> None:
        """What the step changes outside of the spec: the followed alias, and the quota."""
        ground, before = self.ground, self._draft
        if before is None or before.alias != draft.alias:
            words = (stage.MLFLOW_OUTSIDE, ground.model, ground.followed, draft.alias)
            await asyncio.to_thread(registry.point, *words)
        if (before.quota if before else None) != draft.quota:
            await asyncio.to_thread(self._set_quota, draft.quota)

    def _set_quota(self, pods: int | None) -> None:
        if pods is None:
            self._kubectl("delete", "resourcequota", "few", "--ignore-not-found")
            return
        manifest = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}}
        self._kubectl("apply", "--filename=-", stdin=json.dumps(manifest | {"spec": {"hard": {"pods": str(pods)}}}))

    async def _ended(self, wish: Wish, news: float) -> End:
        """How it has ended for good: an end that is not final must stand, and one before the news came says nothing."""
        began, watch = time.monotonic(), self.subject.watch

        def known(seen: Seen) -> End | None:
            found = end(seen, wish)
            early = time.monotonic() - began < news
            return None if found is None or (early and found.kind != "ready") else found

        def changes(found: End) -> Callable[[Seen], bool]:
            return lambda seen: end(seen, wish) != found

        while time.monotonic() - began < DEADLINE:
            # The status may say it already when the news come: nothing tells of that, so it is asked again.
            if await watch.until(lambda seen: known(seen) is not None, STANDS):
                found = known(watch.seen)
                if found is not None and (final(watch.seen) or not await watch.until(changes(found), STANDS)):
                    return found
        phase, ready = watch.seen.phase, watch.seen.condition("Ready")
        raise NotEnded(f"no end within {DEADLINE:g} s; phase {phase}, Ready is {' '.join(ready)}")

    # --- what is checked

    def _look(self, seen: Seen) -> None:
        """Every status that is written is checked, not only the last one."""
        if self._wish is not None:
            for fault in faults(seen, self._wish, self.known):
                self._violated(fault)

    async def _proved(self, found: End) -> None:
        """Once Ready or Stalled is True, all answers are the champion's. Once Ready is, all its pods are ready."""
        serving = champion(self.subject.seen)
        if not final(self.subject.seen) or not serving[1]:
            return
        answers = await self._answers(serving)
        if answers != {serving}:
            self._violated(f"{found.kind} with champion {serving}, and the pods that answer are {sorted(answers)}")
        ready = await asyncio.to_thread(self._ready_pods, serving[1])
        size = self._draft.spec["serving"]["replicas"] if self._draft else 0
        if ready < size and self.subject.seen.condition("Ready")[0] == "True":
            self._violated(f"Ready is True, and {ready} of {size} pods of version {serving[1]} are ready")

    async def _answers(self, desired: Serves) -> set[Serves]:
        """Who answers, once so many in a row are the desired version or kube-proxy has had its time."""
        deadline, row = time.monotonic() + FOLLOWS, list[Serves]()
        while len(row) < ASKED and time.monotonic() < deadline:
            served = await asyncio.to_thread(self._ask)
            row = [*row, served] if served == desired else []
        return set(row) if len(row) == ASKED else {await asyncio.to_thread(self._ask) for _ in range(ASKED)}

    def _ask(self) -> Serves:
        """Model and version of one answer, over a new connection. What the answer says else is the client's affair."""
        connection = HTTPConnection("127.0.0.1", self.ground.port, timeout=HTTP_TIMEOUT)
        try:
            connection.request("POST", "/invocations", self.clients.bodies[0], {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.getheader("x-podium-model", ""), response.getheader("x-podium-version", "")
        except (OSError, HTTPException) as error:
            return "", f"{type(error).__name__}: {error}"
        finally:
            connection.close()

    def _ready_pods(self, version: str) -> int:
        selector = f"--selector=podium.dev/deployment={NAME},podium.dev/version={version}"
        pods = json.loads(self._kubectl("get", "pods", selector, "--output=json"))["items"]
        conditions = [pod["status"].get("conditions") or [] for pod in pods]
        return sum(any((c["type"], c["status"]) == ("Ready", "True") for c in each) for each in conditions)

    async def _heard(self) -> None:
        """No request failed that the version which fails at each request did not answer itself."""
        ledger, self.clients.ledger = self.clients.ledger, Ledger()
        strays = ledger.strays(FAILING)
        self.tally.requests += ledger.requests
        self.tally.own_failures += len(ledger.failures) - len(strays)
        if strays:
            times = f"{strays[0].sent - self._began:.1f} to {strays[-1].sent - self._began:.1f} s after its begin"
            self._violated(f"{len(strays)} of {ledger.requests} requests failed, {times}; first {_told(strays[0])}")

    # --- tools

    def _violated(self, what: str) -> None:
        self.tally.violations.append(f"{self._where}: {what}")
        self.say(f"VIOLATION {self._where}: {what}")

    async def _generation(self) -> int:
        words = ("get", "modeldeployment", NAME, "--output=jsonpath={.metadata.generation}")
        return int(await asyncio.to_thread(self._kubectl, *words))

    def _kubectl(self, *words: str, stdin: str | None = None) -> str:
        return self.cluster.kubectl(f"--namespace={self.ground.namespace}", *words, input=stdin)


def _is_refusal(output: str) -> bool:
    """Whether the API server said so, and not the network or a timeout."""
    return any(words in output for words in (" is invalid: ", "failed to create typed patch object", "strict decoding"))


def _told(answer: Answer) -> str:
    return f"{answer.status} of version {answer.version or 'none'} {answer.trouble}".rstrip()
