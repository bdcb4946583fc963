"""A ModelDeployment as a tree: its versions with their pods, the steps, the gates and the guards with bars."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import click

from podium.api.v1alpha1.values.base import format_duration, format_percent, format_time
from podium.cli.arm_text import arm_text
from podium.cli.screen import Screen
from podium.cli.tables import coloured
from podium.cli.view import Pod, View
from podium.core.printable import plain
from podium.core.status.explained import Explanation, GuardExplanation, StepExplanation, TrialProgress

_BAR: Final = 20  # characters
_WHOLE: Final = 100  # percent


@dataclass(frozen=True)
class Node:
    """A line, and what hangs below it."""

    text: str
    below: "Sequence[Node]" = ()


def as_tree(view: View, screen: Screen) -> str:
    """The text, without a newline at its end."""
    said = view.deployment
    nodes = [*_versions(view), *_arms(view), *_steps(said, screen), *_gates(said), *_guards(said, screen)]
    return "\n".join([*_head(said, screen), *_drawn(nodes, "", screen)])


def _head(said: Explanation, screen: Screen) -> Iterator[str]:
    place = f" in {plain(said.namespace)}" if said.namespace else ""
    paused = ", paused" if said.paused else ""
    yield click.style(f"{plain(said.name)}{place}: {said.phase}{paused}", bold=True)
    yield f"  desired {plain(said.desired)}; Ready {coloured(said.condition('Ready'))}"
    if said.message:
        yield screen.wrapped(said.message, 2)


def _drawn(nodes: Sequence[Node], indent: str, screen: Screen) -> Iterator[str]:
    for number, node in enumerate(nodes, 1):
        last = number == len(nodes)
        branch = ("└─ " if last else "├─ ") if screen.unicode else ("`- " if last else "|- ")
        yield indent + branch + node.text
        yield from _drawn(node.below, indent + ("   " if last else "│  " if screen.unicode else "|  "), screen)


def _versions(view: View) -> Iterator[Node]:
    said = view.deployment
    roles = {"champion": said.champion, "challenger": said.challenger, "former champion": said.former}
    for role, version in roles.items():
        if version:
            slot = said.slots.get(role, "?")
            text = click.style(f"{role} {plain(version)}", bold=True) + f"  slot {slot}{_traffic(role, said)}"
            yield Node(text, _pods(view, slot) if role in said.slots else ())
    if view.pods_problem:
        yield Node(f"the pods could not be read: {plain(view.pods_problem)}")


def _arms(view: View) -> Iterator[Node]:
    """The challengers of an experiment."""
    if view.deployment.arms:
        below = [Node(arm_text(arm), _pods(view, arm.slot)) for arm in view.deployment.arms]
        yield Node(click.style("experiment", bold=True), below)


def _traffic(role: str, said: Explanation) -> str:
    """The share that the role is to have, where the status says one."""
    if said.weight is None or role == "former champion":
        return ""
    desired = said.weight if role == "challenger" else _WHOLE - said.weight
    if said.current_weight is None:
        return f", {desired}% of the traffic"
    current = said.current_weight if role == "challenger" else _WHOLE - said.current_weight
    return f", {desired}% of the traffic" + (f" (now {current}%)" if current != desired else "")


def _pods(view: View, slot: str) -> list[Node]:
    mine = [pod for pod in view.pods if pod.slot == slot]
    return [Node(_pod(pod)) for pod in mine] or ([] if view.pods_problem else [Node("no pods")])


def _pod(pod: Pod) -> str:
    state = click.style("ready", fg="green") if pod.ready else click.style("not ready", fg="yellow")
    why = f": {plain(pod.why)}" if pod.why else ""
    return f"pod {plain(pod.name)}  version {plain(pod.version) or '?'}  {state}{why}"


def _steps(said: Explanation, screen: Screen) -> Iterator[Node]:
    trial = said.trial
    if trial is None:
        return
    ended = f"  ended: {plain(trial.ended)}" if trial.ended else ""
    ladder = [Node(_step(number, step, said, trial, screen)) for number, step in enumerate(trial.ladder, 1)]
    yield Node(click.style("steps", bold=True) + ended, ladder)


def _step(number: int, step: StepExplanation, said: Explanation, trial: TrialProgress, screen: Screen) -> str:
    text = f"{step.text:>4} for {format_duration(timedelta(seconds=step.duration))}"
    standing = said.standing(number)
    marks = {"done": "✓" if screen.unicode else "x", "now": "▶" if screen.unicode else ">", "next": " "}
    mark = marks[standing]
    if standing != "now":
        return f"{mark} {text}"
    since = f"since {format_time(trial.weight_reached_at)}" if trial.weight_reached_at else "not in force yet"
    return f"{mark} {text}, {since}"


def _gates(said: Explanation) -> Iterator[Node]:
    if said.gates:
        gates = [(plain(gate.name), coloured(gate.state), gate.message) for gate in said.gates]
        below = [
            Node(f"{name}  {state}" + (f": {plain(message)}" if message else "")) for name, state, message in gates
        ]
        yield Node(click.style("gates", bold=True), below)


def _guards(said: Explanation, screen: Screen) -> Iterator[Node]:
    if said.guards:
        width = max(len(f"{plain(guard.name)}  {guard.verdict}") for guard in said.guards)
        yield Node(click.style("guards", bold=True), [Node(_guard(guard, width, screen)) for guard in said.guards])


def _guard(guard: GuardExplanation, width: int, screen: Screen) -> str:
    head = f"{plain(guard.name)}  {coloured(guard.verdict)}".ljust(width + _style(guard.verdict))
    if not guard.criteria:
        return f"{head}  {plain(guard.message)}"
    worst = guard.worst
    bars = [
        f"{name} {screen.bar(part, _BAR)} {format_percent(part):>5}"
        for name, part in (("failed", worst.towards_failed), ("passed", worst.towards_passed))
    ]
    more = f"  about {worst.more_answers:,} more answers" if worst.more_answers else ""
    return "  ".join([head, *bars]) + more


def _style(word: str) -> int:
    """How many characters its colour takes, which no one sees."""
    return len(coloured(word)) - len(word)
