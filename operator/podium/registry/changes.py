"""What a migration changes, as values: planned, carried out, and told. Planning again after it plans nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Change:
    """One write to the registry."""

    kind: Literal["alias", "tag", "version"]
    model: str
    version: str  # "" for one that is yet to be registered
    key: str  # the alias or the tag; the folder or file of a version
    value: str = ""
    why: str = ""


@dataclass(frozen=True)
class Left:
    """What cannot be migrated, or is left as it is."""

    what: str
    why: str


@dataclass(frozen=True)
class Report:
    """What a migration would do, or did."""

    changes: tuple[Change, ...] = ()
    left: tuple[Left, ...] = ()
    looked_at: int = 0  # versions, files or folders
    written: bool = False


@dataclass
class Plan:
    """A report in the making."""

    changes: list[Change] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    looked_at: int = 0

    def report(self, *, written: bool) -> Report:
        """What it came to."""
        return Report(tuple(self.changes), tuple(self.left), self.looked_at, written)


def plural(number: int, of: str) -> str:
    """`1 version`, `2 versions`."""
    return f"{number} {of}" + ("" if number == 1 else "s")


def told(report: Report) -> Sequence[str]:
    """The report in lines, the last one a sum."""
    verb = "was" if report.written else "would be"
    lines = [f"{_named(each)} {verb} {_done(each)}{f' ({each.why})' if each.why else ''}" for each in report.changes]
    lines += [f"left: {each.what}: {each.why}" for each in report.left]
    changed = "nothing to change" if not report.changes else plural(len(report.changes), "change")
    return [*lines, f"{report.looked_at} looked at: {changed}, {len(report.left)} left as they are"]


def _named(change: Change) -> str:
    version = f" version {change.version}" if change.version else ""
    return change.key if change.kind == "version" else f"{change.model}{version}"


def _done(change: Change) -> str:
    if change.kind == "alias":
        return f"alias {change.key}"
    if change.kind == "tag":
        return f"tagged {change.key}={change.value}"
    return f"registered as {change.model}" + (f" version {change.version}" if change.version else "")
