"""Four acts: a first deployment, a better version, a bad one, and that one in the shadow.

Each says what must come of it, and looks.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from demo import registry, stage
from demo.clients import Clients
from demo.repository import Repository, with_shadow, with_version
from demo.rollout import Seen, Watch
from demo.screen import Screen, traffic_line
from testbed.cluster import Cluster

DEADLINE = 300.0  # seconds for an act, on a busy machine; a quiet one needs a third of it
BREATH = 5.0  # seconds of plain traffic between the acts, so that they can be told apart
LOOK = 2.0  # seconds between two lines about the traffic
ROLLBACK_LIMIT = 5.0  # seconds within which a bad version must be out of the traffic
FIRST, BETTER, BAD = "1", "2", "3"


class CutShort(Exception):
    """An act did not come to its end: those after it would tell nothing."""


@dataclass
class Play:
    """What all acts have at hand."""

    cluster: Cluster
    watch: Watch
    clients: Clients
    repository: Repository
    screen: Screen
    broken: list[str] = field(default_factory=list)  # what did not go as told
    met: int | None = None  # users who met the bad version in the shadow act; None before its end

    def expect(self, holds: bool, truth: str) -> None:
        """Tell whether it went as told, and remember where it did not."""
        self.screen.say(truth, "✓" if holds else "✗")
        if not holds:
            self.broken.append(truth)

    async def want(self, version: str, message: str) -> None:
        """Change one line in Git, and apply it."""
        await self.commit(with_version(self.manifest, version), message)

    @property
    def manifest(self) -> str:
        """The file as the demo begins with it."""
        return (stage.HERE / "churn.yaml").read_text()

    async def commit(self, text: str, message: str) -> None:
        """Commit the file's new text, and apply it."""
        changed = self.repository.commit(text, message)
        self.screen.say(f'git commit {self.repository.head()} "{message}"', "●")
        for line in changed if len(changed) <= 2 else []:  # noqa: PLR2004  one line, before and after
            self.screen.say(f"    {line}")
        await self.apply()

    async def apply(self) -> None:
        """Apply the manifest that is in the repository."""
        told = await asyncio.to_thread(self.cluster.kubectl, "apply", f"--filename={self.repository.file}")
        self.screen.say(f"kubectl apply: {told.strip()}", "●")

    async def until(self, what: str, holds: Callable[[Seen], bool]) -> None:
        """Wait until the status says so. Raises CutShort where it does not in time."""
        held = await self.watch.until(holds, DEADLINE)
        self.expect(held, what)
        if not held:
            raise CutShort(f"not within {DEADLINE:g} s: {what}; the last word was: {self.watch.seen.message}")

    async def tell_traffic(self) -> None:
        """Say every two seconds what the clients saw. Runs until cancelled."""
        ledger = self.clients.ledger
        while True:
            before = ledger.requests
            await asyncio.sleep(LOOK)
            recent = ledger.answers[before:]
            failed = Counter(answer.version for answer in recent if answer.failed)
            if recent:
                self.screen.say(traffic_line(ledger.by_version(before), failed, LOOK), "✗" if failed else "·")


class Condition:
    """A question about the status: who is champion, and how Ready stands for what Git says now."""

    def __init__(self, champion: str, *, ready: str, reason: str = "", settled: bool = False) -> None:
        self.champion, self.ready, self.reason, self.settled = champion, ready, reason, settled

    def __call__(self, seen: Seen) -> bool:
        status, reason, _ = seen.condition("Ready")
        return (
            seen.current
            and (seen.champion, status) == (self.champion, self.ready)
            and self.reason in {"", reason}
            and (not self.settled or (seen.phase in {"Stable", "Rejected"} and not seen.challenger))
        )


async def first_deployment(play: Play) -> None:
    """Act 1: a first version is deployed, and clients reach it."""
    play.screen.headline("Act 1: a first deployment")
    await play.want(FIRST, "Serve the tumour classifier, version 1")
    await play.until("version 1 is champion and Ready", Condition(FIRST, ready="True"))
    play.expect(await play.clients.reached(DEADLINE), f"clients reach it at 127.0.0.1:{stage.MODEL_PORT}")


async def better_version(play: Play) -> None:
    """Act 2: a better version is promoted."""
    play.screen.headline("Act 2: a better version")
    await asyncio.sleep(BREATH)
    before = play.clients.ledger.requests
    await play.want(BETTER, "Version 2 knows all features")
    await play.until("version 2 was promoted and watched", Condition(BETTER, ready="True", settled=True))
    counts = play.clients.ledger.by_version(before)
    play.expect(set(counts) == {FIRST, BETTER}, "versions 1 and 2 shared the traffic, and no other version answered")
    play.expect(not play.clients.ledger.failures, "no request failed")
    await _registry_says(play, "the alias champion points to version 2")


async def bad_version(play: Play) -> None:
    """Act 3: a bad version is rejected, and the champion keeps serving."""
    play.screen.headline("Act 3: a bad version, which passes every gate and fails for one real case in five")
    await asyncio.sleep(BREATH)
    await play.want(BAD, "Version 3, a forest")
    rejected = Condition(BETTER, ready="False", reason="VersionRejected", settled=True)
    await play.until("version 3 was rejected and version 2 serves", rejected)
    play.screen.say(f"Ready: {play.watch.seen.condition('Ready')[2]}")
    await asyncio.sleep(BREATH)
    _judge_rollback(play)
    await _registry_says(play, "the alias champion still points to version 2")
    await _stays_rejected(play)


async def shadow_first(play: Play) -> None:
    """Act 4: the same bad version, which other guards give another trial, is found out before a user meets it."""
    play.screen.headline("Act 4: the same version, tried in the shadow first: it answers copies, and no user")
    before = play.clients.ledger.requests
    await play.commit(with_shadow(with_version(play.manifest, BAD)), "Try version 3 in the shadow first")
    await play.until("version 3 answers copies of requests", lambda seen: seen.current and seen.phase == "Canary")
    rejected = Condition(BETTER, ready="False", reason="VersionRejected", settled=True)
    await play.until("version 3 was rejected again and version 2 serves", rejected)
    play.screen.say(f"Ready: {play.watch.seen.condition('Ready')[2]}")
    await asyncio.sleep(BREATH)
    recent = play.clients.ledger.answers[before:]
    play.met = sum(BAD in {answer.version, answer.failed_by} for answer in recent)
    play.expect(play.met == 0, f"no user met version 3: it answered {play.met} of {len(recent)} requests")
    play.expect(not play.clients.ledger.failures, "no request failed")


def _judge_rollback(play: Play) -> None:
    ledger = play.clients.ledger
    rollback = ledger.rollback(BAD)
    play.expect(rollback is not None, "version 3 was found out by real traffic")
    if rollback is not None:
        text = f"version 3 was out of the traffic {rollback.seconds:.1f} s after the first request that it failed"
        play.expect(rollback.seconds <= ROLLBACK_LIMIT, f"{text} (limit {ROLLBACK_LIMIT:g} s)")
        text = f"no user saw it: version 2 answered the {rollback.saved} requests that version 3 failed"
        play.expect(not ledger.failures, f"{text} ({len(ledger.failures)} failed)")


async def _registry_says(play: Play, truth: str) -> None:
    version = await asyncio.to_thread(registry.alias_of, stage.MLFLOW_OUTSIDE, stage.MODEL, "champion")
    play.expect(version == BETTER, f"MLflow: {truth}")


async def _stays_rejected(play: Play) -> None:
    """The same YAML again: as GitOps tools do it every few minutes."""
    before = play.clients.ledger.requests
    await play.apply()
    await asyncio.sleep(BREATH)
    started = play.watch.seen.challenger or set(play.clients.ledger.by_version(before)) - {BETTER}
    play.expect(not started and BAD in play.watch.seen.rejected, "the same YAML applied again starts nothing")
    tags = await asyncio.to_thread(registry.tags_of, stage.MLFLOW_OUTSIDE, stage.MODEL, BAD)
    play.expect(
        any(key.endswith("/decision") and value == "rejected" for key, value in tags.items()),
        "MLflow: version 3 carries the tags of its rejection",
    )
