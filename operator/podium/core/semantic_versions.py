"""Semantic versions of models: what the difference between two signatures means for those who call the model.

Major: what called the old one can no longer call the new one. Minor: the new one takes or gives more than the old one.
Patch: the rest. https://semver.org has the form of a number; pre-releases and build metadata have no meaning here.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from podium.core.signature import Signature, changes, gains

TAG: Final = "podium.dev/semver"
_NUMBER: Final = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")


class Step(IntEnum):
    """What a version is after another one, the least first."""

    PATCH = 0
    MINOR = 1
    MAJOR = 2

    @classmethod
    def named(cls, name: str) -> Self:
        """The step of this name: patch, minor or major."""
        return cls[name.upper()]

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, order=True)
class SemanticVersion:
    """MAJOR.MINOR.PATCH."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parsed(cls, text: str) -> Self | None:
        """The version that a tag's value says; None where it says none."""
        found = _NUMBER.fullmatch(text.strip())
        return cls(*map(int, found.groups())) if found else None

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def next(self, step: Step) -> "SemanticVersion":
        """The version after this one."""
        if step is Step.MAJOR:
            return SemanticVersion(self.major + 1, 0, 0)
        if step is Step.MINOR:
            return SemanticVersion(self.major, self.minor + 1, 0)
        return SemanticVersion(self.major, self.minor, self.patch + 1)

    def step_to(self, other: "SemanticVersion") -> Step | None:
        """Which step the other one is after this one; None where it is no later one."""
        if other <= self:
            return None
        if other.major != self.major:
            return Step.MAJOR
        return Step.MINOR if other.minor != self.minor else Step.PATCH


FIRST: Final = SemanticVersion(1, 0, 0)


@dataclass(frozen=True)
class Difference:
    """What a version is after another one, by their signatures, and why."""

    step: Step
    words: tuple[str, ...] = ()  # of each change that makes it so


def difference(old: Signature, new: Signature) -> Difference:
    """What the new signature is after the old one."""
    breaking = tuple(words for kind, words in changes(old, new) if kind != "outputsChanged" or _loses(old, new))
    if breaking:
        return Difference(Step.MAJOR, breaking)
    more = tuple(gains(old, new))
    return Difference(Step.MINOR, more) if more else Difference(Step.PATCH)


def proposed(base: SemanticVersion | None, step: Step, taken: Collection[SemanticVersion] = ()) -> SemanticVersion:
    """The first version after the base by this step that no other one has; 1.0.0 where there is no base."""
    number = FIRST if base is None else base.next(step)
    while number in taken:
        number = number.next(step)
    return number


def _loses(old: Signature, new: Signature) -> bool:
    """Whether an output is gone, or another one than before, or at another place."""
    was, now = old.outputs or (), new.outputs or ()
    return now[: len(was)] != was
