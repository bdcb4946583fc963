"""In the cluster's place: pods that answer on loopback, and an operator that knows only what the bench wants of it."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from bench.cluster import orders
from bench.rollback.trials import CHALLENGER, CHAMPION, SHARE
from demo.clients import parse_head
from demo.rollout import Seen, Watch
from podium.api.v1alpha1 import reasons

PODS = 5  # one of them the challenger's, while it has a share


@dataclass
class StandIn:
    """`kubectl apply` and the status on one side, requests on the other."""

    rejects_after: int  # bad answers or crashes
    rises: bool = False  # whether it gives the challenger more at its second crash
    generation: int = 0
    phase: str = "Stable"
    bad: int = 0
    requests: int = 0
    history: list[dict[str, str]] = field(default_factory=list)
    retries: set[str] = field(default_factory=set)
    env: dict[str, str] = field(default_factory=dict)
    watch: "WatchOf | None" = None

    # --- as the testbed's cluster

    def kubectl(self, *words: str, input: str) -> str:  # noqa: A002  as there
        assert words[0] == "apply"
        spec = json.loads(input)["spec"]
        self.generation, self.bad = self.generation + 1, 0
        self.retries.add(spec["rollout"]["retry"])
        if spec["model"]["version"] == CHALLENGER:
            self.turn("Canary")
        else:
            self.end("RolledBack", "Stable")
        return str(self.generation)

    # --- as the operator

    def turn(self, phase: str) -> None:
        self.phase = phase
        assert self.watch is not None
        self.watch.loop.call_soon_threadsafe(self.watch.tell, self.seen(SHARE if phase == "Canary" else 0))

    def end(self, outcome: str, phase: str) -> None:
        if self.phase == "Canary":
            reason = reasons.GUARD_FAILED if outcome == "Rejected" else reasons.SUPERSEDED
            self.history.append({"outcome": outcome, "reason": reason})
        self.turn(phase)

    def seen(self, weight: int) -> Seen:
        status: dict[str, Any] = {
            "observedGeneration": self.generation,
            "phase": self.phase,
            "champion": {"version": CHAMPION},
            "weight": {"desired": weight, "current": weight},
            "history": self.history,
        }
        return Seen(self.generation, status)

    # --- as the pods

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            _, headers = parse_head(b"HTTP/1.1 200 \r\n" + (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[2])
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            writer.write(self.answer(body["dataframe_split"]["data"][0][0]))
        except asyncio.IncompleteReadError:
            pass  # the client has gone
        finally:
            writer.close()

    def answer(self, order: int) -> bytes:
        """What a pod says; nothing where it crashes."""
        self.requests += 1
        version = CHALLENGER if self.phase == "Canary" and self.requests % PODS == 0 else CHAMPION
        obeyed = order if version == CHALLENGER else orders.WORK
        if obeyed != orders.WORK:
            self.judge()
        status = 500 if obeyed == orders.FAIL else 200
        said = f"HTTP/1.1 {status} X\r\nX-Podium-Version: {version}\r\nContent-Length: 0\r\n\r\n".encode()
        return b"" if obeyed == orders.CRASH else said

    def judge(self) -> None:
        self.bad += 1
        assert self.watch is not None
        if self.rises and self.bad == 2:
            self.watch.tell(self.seen(50))
        if self.bad == self.rejects_after:
            self.end("Rejected", "Rejected")


class WatchOf(Watch):
    """What the stand-in says, instead of kubectl."""

    def __init__(self, stand_in: StandIn, took: Any) -> None:
        super().__init__("", {}, took)
        self.loop, self._under_way = asyncio.get_running_loop(), set[asyncio.Task[None]]()
        stand_in.watch = self

    async def run(self) -> None:
        await asyncio.Event().wait()

    def tell(self, seen: Seen) -> None:
        task = self.loop.create_task(self._take(seen))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
