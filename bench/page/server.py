"""The page over a fleet that changes, in a process of its own: `python -m bench.page.server SIZE CHANGES`."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from bench.page.fleets import Json, fleet
from podium.dashboard.app import app
from podium.dashboard.kept import Kept
from podium.dashboard.server import listening
from podium.dashboard.shield import Door


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    address: str  # with the token
    pid: int

    def cpu_seconds(self) -> float:
        """What it has used so far: user and system time, proc(5)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(size: int, changes: float) -> Iterator[Running]:
    """One over so many ModelDeployments, of which `changes` change a second."""
    command = [sys.executable, "-m", __name__, str(size), str(changes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Running(process.stdout.readline().strip(), process.pid)
        finally:
            process.terminate()


async def _serve(there: Sequence[Json], changes: float) -> None:
    kept, at = Kept(), listening(0)
    kept.put(there)
    kept.listed({each.place for each in kept.entries})
    door = Door(at.getsockname()[1])
    settings = uvicorn.Config(app(kept, door), log_level="warning", access_log=False, lifespan="off")
    at.listen()
    print(door.address, flush=True)
    changing = asyncio.create_task(_change(kept, changes))
    await uvicorn.Server(settings).serve(sockets=[at])
    changing.cancel()


async def _change(kept: Kept, changes: float) -> None:
    """Trials on the first page get on, one after the other."""
    number = 0
    while changes:
        number += 1
        value = kept.entries[number * 10 % min(100, len(kept.entries))].value
        value["status"]["message"] = f"look {number}"
        if value["status"].get("weight"):
            value["status"]["weight"]["desired"] = number % 100
        kept.put([value])
        await asyncio.sleep(1 / changes)


if __name__ == "__main__":
    asyncio.run(_serve(fleet(int(sys.argv[1])), float(sys.argv[2])))  # the world has a loop of its own
