"""Asks another process for trials: one at a time, for so long and no longer; not in the loop that serves pages."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from typing import Any, Final

# What the other process is told here, too: it alone imports the simulation.
FEWEST: Final = 5  # trials, of which anything can be said
SEED: Final = 1  # that of `podium simulate`
AT_ONCE: Final = 1  # questions under way: each takes a core
WITHIN: Final = 30.0  # seconds
_LARGEST: Final = 1_000_000  # bytes of a question; a ModelDeployment of the API server's has no more
_COMMAND: Final = (sys.executable, "-P", "-m", "podium.dashboard.tried")


class NotTried(Exception):
    """There is no answer. The message says why, and what to do."""

    def __init__(self, message: str, status: int = 503) -> None:
        super().__init__(message)
        self.status = status  # of the answer to the browser


class Trying:
    """The process that makes trials, for all viewers."""

    def __init__(self, command: Sequence[str] = _COMMAND, within: float = WITHIN) -> None:
        self._command = command
        self._within = within
        self._asked = 0

    async def answer(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """What `podium.dashboard.tried` says. Raises NotTried."""
        text = json.dumps(question).encode()
        if len(text) > _LARGEST:
            raise NotTried(f"expected a spec of at most {_LARGEST:,} bytes, found {len(text):,}", 413)
        if self._asked >= AT_ONCE:
            raise NotTried("another simulation is under way, and there is one at a time: try again in a moment")
        self._asked += 1
        try:
            found = json.loads(await self._said(text))
        finally:
            self._asked -= 1
        if "problem" in found:
            raise NotTried(str(found["problem"]), 400)
        return dict(found)

    async def _said(self, text: bytes) -> bytes:
        path = os.pathsep.join(filter(None, sys.path))
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, env={**os.environ, "PYTHONPATH": path}
        )
        try:
            async with asyncio.timeout(self._within):
                said, _ = await process.communicate(text)
        except TimeoutError:
            raise NotTried(
                f"{FEWEST} trials of this rollout take longer than {self._within:g} s here: fewer users take less, "
                "and podium simulate on a machine of yours takes all the time that it needs"
            ) from None
        finally:
            await _ended(process)
        if process.returncode:
            raise NotTried("the simulation failed; the log of the page says why", 500)
        return said


async def _ended(process: Process) -> None:
    """Not one process outlives its question."""
    if process.returncode is None:
        process.kill()
        await process.wait()


SHARED: Final = Trying()
