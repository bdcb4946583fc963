"""What is assumed of a version: for each guard, the true share of its answers that are bad in this guard's eyes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.values.base import format_percent
from podium.core.analysis.guard_kinds import kind_of, tolerance_of

Role = Literal["champion", "good", "bad"]
Shares = Mapping[str, float]  # guard -> share of bad answers; the gap of the distributions for a guard on scores

FIFTH, TIMES = 5, 5  # a good version has a fifth of what is tolerated, a bad one five times as much


class Contradiction(Exception):
    """What is assumed cannot be so. The message says what to change."""


@dataclass(frozen=True)
class Assumed:
    """The three versions of a simulation."""

    champion: Shares
    good: Shares
    bad: Shares

    def of(self, role: Role) -> Shares:
        """What is assumed of the versions in this role."""
        return {"champion": self.champion, "good": self.good, "bad": self.bad}[role]


def assumed(guards: Sequence[Guard], said: Mapping[Role, Shares]) -> Assumed:
    """What was said of each version, filled up. The key "" stands for the guards that are meant when none is named.

    Raises Contradiction for a name that no guard has, and where guards on the same answers get different shares.
    """
    roles: tuple[Role, ...] = ("champion", "good", "bad")
    named = {role: _named(guards, said.get(role, {})) for role in roles}
    healthy = {guard.name: _healthy(guard) for guard in guards}
    champion = _agreed(guards, {**healthy, **named["champion"]}, named["champion"], min)
    good = _agreed(guards, {**champion, **named["good"]}, named["good"], min)
    failing = {guard.name: _unhealthy(guard, champion[guard.name]) for guard in _meant(guards)}
    bad = _agreed(guards, {**good, **(named["bad"] or failing)}, named["bad"], max)
    return Assumed(champion, good, bad)


def on_errors(guard: Guard) -> bool:
    """Whether its bad answers are the failed ones."""
    return kind_of(guard).simulated == "errors"


def _meant(guards: Sequence[Guard]) -> Sequence[Guard]:
    """The guards that are meant when none is named: all on errors, or else the first."""
    return [guard for guard in guards if on_errors(guard)] or guards[:1]


def _named(guards: Sequence[Guard], said: Shares) -> Shares:
    unknown = sorted(set(said) - {guard.name for guard in guards} - {""})
    if unknown:
        names = ", ".join(guard.name for guard in guards) or "none"
        raise Contradiction(f"expected the name of a guard ({names}), found {unknown[0]}")
    unnamed = {guard.name: said[""] for guard in _meant(guards)} if "" in said else {}
    return {**unnamed, **{name: share for name, share in said.items() if name}}


def _healthy(guard: Guard) -> float:
    tolerance = tolerance_of(guard)
    if tolerance.at_most is not None:
        return tolerance.at_most / FIFTH
    return tolerance.usual if tolerance.usual is not None else (tolerance.above_champion or 0.0) / FIFTH


def _unhealthy(guard: Guard, champion: float) -> float:
    kind, tolerance = kind_of(guard), tolerance_of(guard)
    if kind.unhealthy is not None:
        return kind.unhealthy(guard.settings)
    limit, above = tolerance.at_most, tolerance.above_champion
    base = limit if limit is not None else champion + (above or 0.0)
    worse = TIMES * limit if limit is not None else champion + TIMES * (above or 0.0)
    return min(worse, (1 + base) / 2)


def _agreed(guards: Sequence[Guard], shares: Shares, said: Shares, pick: Callable[[Iterable[float]], float]) -> Shares:
    """All guards on errors see the same answers, so they have one share."""
    same = [guard.name for guard in guards if on_errors(guard)]
    told = {said[name] for name in same if name in said}
    if len(told) > 1:
        found = ", ".join(f"{name}={format_percent(said[name])}" for name in same if name in said)
        raise Contradiction(f"expected one share for all guards on errors, they count the same answers; found {found}")
    one = pick(told or [shares[name] for name in same] or [0.0])
    return {**shares, **dict.fromkeys(same, one)}
