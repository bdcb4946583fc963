"""The live log: one line for each thing that happens, with the seconds since the demo began."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Screen:
    """Writes to standard output."""

    clock: Callable[[], float]

    def say(self, text: str, mark: str = " ") -> None:
        """One line; `mark` tells its kind at a glance."""
        sys.stdout.write(f"{self.clock():7.1f} s {mark} {text}\n")
        sys.stdout.flush()

    def headline(self, text: str) -> None:
        """Begin a new act."""
        sys.stdout.write(f"\n{text}\n{'─' * len(text)}\n")
        sys.stdout.flush()

    def entry(self, name: str, text: str) -> None:
        """Show a name and its value."""
        self.plain(f"{name:<24}{text}")

    def plain(self, text: str = "") -> None:
        """Show a line."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def shares(counts: Mapping[str, int]) -> str:
    """Answers by version: `v1 67 %, v2 33 %`, the oldest version first."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: (len(item[0]), item[0]))
    return ", ".join(f"{name_of(version)} {100 * count / total:.0f} %" for version, count in ordered) or "no answers"


def name_of(version: str) -> str:
    """How the screen shows a version."""
    return f"v{version}" if version else "none"


def traffic_line(counts: Counter[str], failed: Counter[str], seconds: float) -> str:
    """What the clients saw in the last seconds."""
    errors = ", ".join(f"{count} by {name_of(version)}" for version, count in sorted(failed.items())) or "none"
    return f"{sum(counts.values()) / seconds:3.0f}/s: {shares(counts)}; errors: {errors}"
