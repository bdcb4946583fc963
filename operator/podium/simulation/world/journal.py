"""The log of a rollout: what people do, what the operator says, and each write that changes anything, one line each."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from podium.core.actions import NO_OVERRIDES, Event, RouteOverrides
from podium.simulation.world.faults import Call

Line = Callable[[tuple[Any, ...]], str]


def _route(arguments: tuple[Any, ...]) -> str:
    weights = arguments[1]
    overrides: RouteOverrides = arguments[2] if len(arguments) > 2 else NO_OVERRIDES  # noqa: PLR2004 - the third
    shares = ", ".join(f"{slot}={weights[slot]}%" for slot in sorted(weights))
    users = f" of users, so far {overrides.session_affinity.weights}" if overrides.session_affinity else ""
    testers = f", testers to slot {overrides.preview}" if overrides.preview else ""
    return f"  route {shares}{users}{testers}"


_LINES: Final[dict[tuple[str, str], Line]] = {
    ("cluster", "run_slot"): lambda of: f"  run slot {of[1].slot}: version {of[1].version}, {of[2]} pods",
    ("cluster", "tell_pods"): lambda of: f"  tell pods of slot {of[1].slot} of version {of[1].version}",
    ("cluster", "stop_slot"): lambda of: f"  stop slot {of[1]}",
    ("router", "route"): _route,
    ("router", "add_retries"): lambda _: "  gateway: retries on",
    ("router", "remove_retries"): lambda _: "  gateway: retries off",
    ("registry", "move_alias"): lambda of: f"  alias {of[2]} -> {of[3]}",
    ("registry", "write_tags"): lambda of: f"  tags of version {of[2]}: {_decision(of[3])}",
    ("jobs", "run"): lambda of: f"  run job of gate {of[1].gate}: version {of[1].pinned.version}",
}


def _decision(tags: Mapping[str, str]) -> str:
    return next(value for key, value in tags.items() if key.endswith("/decision"))


def line_of(call: Call) -> str:
    """How a write is told; "" where the log leaves it out: tags say the same as records, Events as statuses."""
    tell = _LINES.get((call.port, call.method))
    return tell(call.arguments) if tell else ""


def line_of_event(event: Event) -> str:
    """How an Event is told: `!` before a warning, `*` before any other."""
    return f"{'!' if event.warning else '*'} {event.message}"
