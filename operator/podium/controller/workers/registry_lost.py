"""Writes that the registry took and that are not there when it is read again: tried later and later, and told.

They would be done for ever otherwise, some times a second: what was written is read, is not there, and is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.controller.queue import backoff
from podium.core.actions import ClaimAlias, MoveAlias, RegistryWrite, WriteRecord, WriteTags
from podium.core.facts import Problem, RegistryState

_TOLD: Final = 4  # times in a row; the first ones may be a cache that is behind
_FIRST: Final = 1.0  # seconds until they are tried again
_LAST: Final = 1800.0
_Target = tuple[object, ...]


@dataclass(frozen=True)
class Lost:
    """What was written last and not seen, and how many times in a row that was so."""

    targets: frozenset[_Target] = frozenset()
    times: int = 0
    names: str = ""

    @property
    def told(self) -> bool:
        """Whether it was often enough that it is said."""
        return self.times >= _TOLD

    @property
    def wait(self) -> float:
        """Seconds until it is tried again."""
        return max(_FIRST, min(_LAST, backoff(self.times, _LAST) * 10))

    @property
    def problem(self) -> Problem | None:
        """What is said of it."""
        if not self.told:
            return None
        what = f"the registry took {self.names}, and does not have it when it is read again"
        advice = "Podium goes on trying, less and less often. Check what stands before the registry, and its database"
        return Problem(reasons.WRITE_NOT_KEPT, f"{what}. {advice}")

    def are(self, writes: Sequence[RegistryWrite]) -> bool:
        """Whether these are what was lost, and nothing else: they wait for their time."""
        told = {_target(write) for write in writes if not isinstance(write, WriteRecord)}
        return bool(told) and told <= self.targets

    def after(self, writes: Sequence[RegistryWrite], answer: RegistryState) -> "Lost":
        """With what was carried out just now, and what the registry said after it."""
        if not writes:
            return self
        unseen = [write for write in writes if not _seen(write, answer)]
        targets = frozenset(map(_target, unseen))
        if not targets:
            return Lost()
        return Lost(targets, self.times + 1 if targets == self.targets else 1, " and ".join(map(_named, unseen)))


def _seen(write: RegistryWrite, answer: RegistryState) -> bool:
    match write:
        case ClaimAlias():
            return answer.claim == write.owner
        case MoveAlias():
            return answer.alias == write.version
        case WriteTags():
            found = answer.tags.get(write.version, {})
            return all(found.get(key) == value for key, value in write.tags.items())
        case WriteRecord():
            return True  # the tags say the same in short


def _target(write: RegistryWrite) -> _Target:
    match write:
        case ClaimAlias():
            return "claim", write.alias, write.owner
        case MoveAlias():
            return "alias", write.alias, write.version
        case WriteTags():
            return "tags", write.version, *sorted(write.tags.items())
        case WriteRecord():
            return "record", write.version, write.path


def _named(write: RegistryWrite) -> str:
    match write:
        case ClaimAlias():
            return f"the claim of alias {write.alias}"
        case MoveAlias():
            return f"alias {write.alias} on version {write.version}"
        case WriteTags():
            return f"the tags of version {write.version} ({', '.join(sorted(write.tags))})"
        case WriteRecord():
            return f"the record of version {write.version}"
