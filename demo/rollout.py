"""The ModelDeployment as `kubectl get --watch` tells of it, and the questions that the story asks of it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

NAME = "churn"
# kubectl prints one line for each change: the generation that Git has come to, and the whole status as JSON.
COLUMNS = r"{.metadata.generation} {.status}{'\n'}"


@dataclass(frozen=True)
class Seen:
    """The status at one moment."""

    generation: int = 0
    status: Mapping[str, Any] = field(default_factory=dict)

    @property
    def current(self) -> bool:
        """Whether the status is about what Git says now."""
        return bool(self.status) and self.status.get("observedGeneration") == self.generation

    @property
    def phase(self) -> str:
        """The rollout's phase."""
        return str(self.status.get("phase", "Pending"))

    @property
    def message(self) -> str:
        """The status's message."""
        return str(self.status.get("message", ""))

    @property
    def weight(self) -> str:
        """The challenger's share, asked for and in force."""
        asked, in_force = self.shares
        return f"weight {asked} (in force {in_force})" if asked or in_force else ""

    @property
    def shares(self) -> tuple[int, int]:
        """The challenger's share in percent: asked for, and in force."""
        weight = self.status.get("weight") or {}
        return weight.get("desired", 0), weight.get("current", 0)

    @property
    def champion(self) -> str:
        """The champion's version; empty where there is none."""
        return str((self.status.get("champion") or {}).get("version", ""))

    @property
    def challenger(self) -> str:
        """The challenger's version; empty where there is none."""
        return str((self.status.get("challenger") or {}).get("version", ""))

    @property
    def rejected(self) -> list[str]:
        """The rejected versions."""
        return [str(each["version"]) for each in self.status.get("rejected") or []]

    def condition(self, kind: str) -> tuple[str, str, str]:
        """Status, reason and message of a condition; empty where there is none."""
        for each in self.status.get("conditions") or []:
            if each["type"] == kind:
                return each["status"], each["reason"], each["message"]
        return "", "", ""


def parse(line: str) -> Seen | None:
    """One line of kubectl's; None where it holds no status yet."""
    generation, _, status = line.strip().partition(" ")
    return Seen(int(generation), json.loads(status)) if generation.isdigit() and status.startswith("{") else None


class Watch:
    """What is known of the ModelDeployment, and who waits for it."""

    def __init__(
        self, kubectl: str, environment: Mapping[str, str], told: Callable[[Seen], None], namespace: str = "default"
    ) -> None:
        only = f"--field-selector=metadata.name={NAME}"  # a name that is not there yet would end the watch
        found = ("get", "modeldeployments", f"--namespace={namespace}", only)
        self._command = (kubectl, *found, "--watch", f"--output=jsonpath={COLUMNS}")
        self._environment, self._told = environment, told
        self._changed = asyncio.Condition()
        self.seen = Seen()

    async def run(self) -> None:
        """Follow it until cancelled. A watch that the API server ends is begun again."""
        while True:
            process = await asyncio.create_subprocess_exec(
                *self._command, env=dict(self._environment), stdout=asyncio.subprocess.PIPE, limit=1 << 22
            )
            try:
                assert process.stdout is not None
                async for line in process.stdout:
                    await self._take(parse(line.decode()))
            finally:
                with suppress(ProcessLookupError):  # it has ended
                    process.kill()
                await process.wait()

    async def until(self, holds: Callable[[Seen], bool], deadline: float) -> bool:
        """Wait until this holds; False where it still does not after so many seconds."""
        try:
            async with asyncio.timeout(deadline), self._changed:
                await self._changed.wait_for(lambda: holds(self.seen))
        except TimeoutError:
            return False
        return True

    async def _take(self, seen: Seen | None) -> None:
        if seen is None:
            return
        async with self._changed:
            self.seen = seen
            self._told(seen)
            self._changed.notify_all()
