"""The parts of `make bench-traffic`, played with a stand-in for the cluster and for the clients."""

import argparse
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.cluster import orders, subject
from bench.cluster.subject import Subject
from bench.traffic import __main__ as bench
from bench.traffic import chaos, promotions, rollbacks, shares
from bench.traffic.crowd import Crowd
from bench.traffic.figures import EndState
from bench.traffic.killer import Killer
from bench.traffic.scene import Scene
from demo.ledger import Answer, Ledger
from demo.rollout import Seen
from testbed.cluster import Cluster

BAD = "9"


@dataclass
class Stage:
    """An operator that knows only what the bench wants of it: each look is one more move of the trial."""

    champion: str = "1"
    wanted: str = "1"
    generation: int = 0
    steps: list[int] = field(default_factory=list)
    moves: Iterator[tuple[str, int]] = field(default_factory=lambda: iter(()))
    phase: str = "Stable"
    weight: int = 0
    history: list[dict[str, str]] = field(default_factory=list)
    turned_bad: bool = False
    stays_bad: bool = True  # whether a bad version is rejected as it should be
    left_over: int = 0  # pods of the last trial that nobody stops

    def apply(self, spec: Mapping[str, Any]) -> None:
        self.generation += 1
        self.wanted = spec["model"]["version"]
        self.steps = [step["weight"] for step in spec["rollout"]["steps"]]
        previously_promoted = self.wanted in [one["version"] for one in self.history if one["outcome"] == "Promoted"]
        if self.wanted == self.champion:
            self.moves = iter([("Stable", 0)])
        else:
            self.moves = iter([("Canary", weight) for weight in ([] if previously_promoted else self.steps)])

    def look(self) -> Seen:
        if self._goes_on():
            move = next(self.moves, None)
            if move is None:
                self._end()
            else:
                self.phase, self.weight = move
        return self.seen

    def _goes_on(self) -> bool:
        """A long hold is never over."""
        return not (self.phase == "Canary" and self.steps == [50] and not self.turned_bad)

    def _end(self) -> None:
        rejected = self.wanted == BAD and self.stays_bad
        outcome, self.phase = ("Rejected", "Rejected") if rejected else ("Promoted", "Stable")
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.history.append({"version": self.wanted, "outcome": outcome, "at": at})
        self.champion = self.champion if rejected else self.wanted
        self.weight, self.moves = 0, itertools.repeat((self.phase, 0))

    @property
    def seen(self) -> Seen:
        status: dict[str, Any] = {
            "observedGeneration": self.generation,
            "phase": self.phase,
            "champion": {"version": self.champion, "slot": "a"},
            "weight": {"desired": self.weight, "current": self.weight},
            "trial": {"weightReachedAt": "now"} if self.phase == "Canary" else {},
            "history": self.history,
        }
        return Seen(self.generation, status)

    def get(self, kind: str, *_: str) -> dict[str, Any]:
        refs = [{"name": "churn-a", "weight": 100}, {"name": "churn-b", "weight": 0}]
        route = {"spec": {"rules": [{"backendRefs": refs}]}}
        return route if kind == "httproutes" else {"items": [{}] * self.left_over}


class Played(Subject):
    """Asks the stand-in, at once."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.cluster = stage, cast("Cluster", stage)

    @property
    def seen(self) -> Seen:
        return self.stage.seen

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        yield

    async def apply(self, spec: Mapping[str, Any]) -> int:
        self.stage.apply(spec)
        return self.stage.generation

    async def until(self, what: str, holds: Callable[[Seen], bool]) -> Seen:
        for _ in range(20):
            if holds(seen := self.stage.look()):
                return seen
        raise RuntimeError(what)


@dataclass
class Asking:
    """Clients that have had some answers of champion and challenger whenever they are asked."""

    stage: Stage
    also: list[Answer] = field(default_factory=list)  # answers that nobody expects
    last: float = 0.0
    due: Callable[[], float] | None = None  # when its answers were due; None: soon after it was last asked
    was_bad: bool = False  # at some time since the last take

    def send(self, bodies: Sequence[bytes]) -> None:
        self.stage.turned_bad = orders.body(orders.FAIL) in bodies
        self.was_bad |= self.stage.turned_bad

    def take(self) -> Ledger:
        due = self.due() if self.due is not None else self.last + shares.COUNTED / 2
        versions = [self.stage.wanted if n < self.stage.weight else self.stage.champion for n in range(100)]
        answers = [Answer(due, due + 0.01, version, 200) for version in versions]
        if self.was_bad:
            answers.append(Answer(due, due + 0.01, BAD, 500))
        self.last, self.was_bad = time.monotonic(), self.stage.turned_bad
        return Ledger([*answers, *self.also])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "DEADLINE", 10.0)
    monkeypatch.setattr(promotions, "QUIET", 0.0)
    monkeypatch.setattr(shares, "LAG", 0.0)
    monkeypatch.setattr(shares, "COUNTED", 0.01)
    monkeypatch.setattr(rollbacks, "MOMENT", (0.0, 0.0))
    monkeypatch.setattr(chaos, "EMPTIES", 0.0)
    for module in (promotions, rollbacks, chaos):
        monkeypatch.setattr(module, "AFTER", 0.0)


@dataclass
class Theatre:
    """A scene with stand-ins."""

    stage: Stage = field(default_factory=Stage)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.asking = Asking(self.stage)
        fresh = (str(number) for number in itertools.count(100))
        crowd = cast("Crowd", self.asking)
        self.scene = Scene(Played(self.stage), crowd, fresh, BAD, Random(1), self.said.append)


async def test_each_promotion_is_of_a_new_version() -> None:
    theatre = Theatre()
    found = await promotions.run(theatre.scene, 3)
    assert [one["version"] for one in theatre.stage.history] == ["100", "101", "102"]
    assert found["promotion_failed"] == 0
    assert found["p99_ratio"] == 1


async def test_a_request_that_fails_in_a_promotion_is_counted_and_told() -> None:
    theatre = Theatre()
    theatre.asking.also = [Answer(0, 1, "", 503)]
    assert (await promotions.run(theatre.scene, 2))["promotion_failed"] == 2
    assert "FAILED: 503 of none" in theatre.said


async def test_a_rollback_counts_its_own_failures_apart_and_the_clients_go_back_to_plain_work() -> None:
    theatre = Theatre()
    theatre.asking.also = [Answer(0, 1, "", 503)]
    found = await rollbacks.run(theatre.scene, 2)
    assert [one["outcome"] for one in theatre.stage.history] == ["Rejected", "Rejected"]
    assert found["rollback_foreign_failures"] == 2
    assert found["own_failures_median"] == 1
    assert not theatre.stage.turned_bad


async def test_a_version_that_is_promoted_in_place_of_being_rejected_ends_the_bench() -> None:
    theatre = Theatre(Stage(stays_bad=False))
    with pytest.raises(RuntimeError, match="rejected"):
        await rollbacks.run(theatre.scene, 1)
    assert not theatre.stage.turned_bad


async def test_shares_are_counted_at_each_step_of_one_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    theatre, looks = Theatre(), itertools.count(1)
    clock = SimpleNamespace(now=0)  # moves on by one at each look, and not by itself

    def monotonic() -> int:
        clock.now = next(looks)
        return int(clock.now)

    monkeypatch.setattr(shares, "time", SimpleNamespace(monotonic=monotonic))
    theatre.asking.due = lambda: clock.now - 0.5
    found = await shares.run(theatre.scene)
    counted = {weight: (one["challenger"], one["answers"]) for weight, one in found["shares"].items()}
    assert counted == {"1": (1, 100), "5": (5, 100), "25": (25, 100), "50": (50, 100)}
    assert found["share_outside_interval"] == 0
    assert theatre.stage.wanted == theatre.stage.champion == "1"


async def test_a_step_that_does_not_last_ends_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    theatre = Theatre()
    monkeypatch.setattr(theatre.scene, "in_force", lambda weight: theatre.scene.subject.until("any", lambda _: True))
    monkeypatch.setattr(shares, "WEIGHTS", (1, 50))
    with pytest.raises(RuntimeError, match="expected 50 % for"):
        await shares.run(theatre.scene)


@pytest.fixture
def registry_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    stage_of = {"alias": ""}
    monkeypatch.setattr(chaos, "registry", SimpleNamespace(alias_of=lambda *_: stage_of["alias"]))
    real = chaos._end_state

    def agreeing(scene: Scene, champion: str) -> EndState:
        stage_of["alias"] = champion
        return real(scene, champion)

    monkeypatch.setattr(chaos, "_end_state", agreeing)


@pytest.mark.usefixtures("registry_agrees")
async def test_chaos_goes_forward_and_back_and_comes_to_rest() -> None:
    theatre = Theatre()
    found = await chaos.run(theatre.scene, 0.05)
    outcomes = [one["outcome"] for one in theatre.stage.history]
    assert {"Promoted", "Rejected"} <= set(outcomes)
    assert (found["chaos_failed"], found["chaos_wrong_at_end"]) == (0, 0)
    assert found["chaos_rollouts"] >= len(chaos.MOVES)
    assert any("reverted" in line for line in theatre.said)
    assert not theatre.stage.turned_bad


@pytest.mark.usefixtures("registry_agrees")
async def test_pods_that_chaos_leaves_behind_are_wrong_at_its_end() -> None:
    theatre = Theatre(Stage(left_over=2))
    found = await chaos.run(theatre.scene, 0.0)
    assert found["chaos_end"] == ["2 pods of other versions are left"]


@pytest.mark.usefixtures("registry_agrees")
async def test_a_request_that_fails_in_chaos_and_that_no_bad_version_answered_is_counted() -> None:
    theatre = Theatre()
    theatre.asking.also = [Answer(0, 1, "", 0, "TimeoutError"), Answer(0, 1, BAD, 500)]
    found = await chaos.run(theatre.scene, 0.0)
    assert found["chaos_failed"] == 1


async def test_a_killer_that_cannot_kill_ends_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: object) -> None:
        raise RuntimeError("no cluster")

    monkeypatch.setattr(Killer, "run", fails)
    with pytest.raises(RuntimeError, match="no cluster"):
        await chaos.run(Theatre().scene, 10.0)


# --- all of it --------------------------------------------------------------------------------------------------------


async def test_the_chosen_parts_are_run_each_tells_its_figures_and_the_rest_is_null(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    theatre = Theatre(Stage(champion="0"))
    monkeypatch.setattr(bench, "Subject", lambda cluster: theatre.scene.subject)
    monkeypatch.setattr("bench.traffic.crowd.at_work", lambda clients: nullcontext(theatre.asking))
    chosen = argparse.Namespace(
        rate=200.0, seed=1, promotions=2, rollbacks=1, chaos=0.0, only=["promotions", "rollbacks"]
    )
    found = await bench._measure(cast("Cluster", theatre.stage), ["1", "2", "3", BAD], chosen, theatre.said.append)
    promoted = [one["version"] for one in theatre.stage.history if one["outcome"] == "Promoted"]
    assert promoted == ["1", "2", "3"]
    assert [found[name] for name in ("promotion_failed", "rollback_foreign_failures")] == [0, 0]
    assert [found[name] for name in ("share_outside_interval", "chaos_failed")] == [None, None]
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one.get("promotions", one.get("rollbacks")) for one in told] == [2, 1]
