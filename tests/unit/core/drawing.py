"""Draws docs/state-machine.md from the tables of the core. `python -m tests.unit.core.drawing` writes it."""

from collections import defaultdict
from pathlib import Path

from podium.api.v1alpha1.status import Phase
from podium.core.rollout.transitions import PROGRESS, TRANSITIONS
from podium.core.traffic.phase_targets import PHASE_TARGETS

HEAD = """# The state machine

Drawn from `TRANSITIONS` (`operator/podium/core/rollout/transitions.py`) and `PHASE_TARGETS`
(`operator/podium/core/traffic/phase_targets.py`); a test keeps it current. In each phase, the checks run in the order
of the table, worst news first, and the first one that returns a verdict decides.
`paused: true` silences the checks in *italics* and no others.

"""


def drawn() -> str:
    """The picture and both tables as Markdown."""
    return "\n".join(["```mermaid", *_picture(), "```", "", *_moves(), "", *_postures(), ""])


def _picture() -> list[str]:
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.PENDING}"]
    for source, row in TRANSITIONS.items():
        by_target = defaultdict(list)
        for check, target in row.items():
            by_target[target].append(check.__name__)
        lines += [f"    {source} --> {target}: {', '.join(names)}" for target, names in by_target.items()]
    return lines


def _moves() -> list[str]:
    lines = ["| phase | checks, in the order in which they are asked |", "|---|---|"]
    for source, row in TRANSITIONS.items():
        asked = [f"{_named(check.__name__, check in PROGRESS)} → {target}" for check, target in row.items()]
        lines.append(f"| {source} | {'; '.join(asked)} |")
    return lines


def _named(name: str, held: bool) -> str:
    return f"*{name}*" if held else name


def _postures() -> list[str]:
    head = "| phase | challenger's pods | former champion's pods | traffic goes to | testers go to |"
    lines = [head, "|---|---|---|---|---|"]
    for phase, target in PHASE_TARGETS.items():
        testers = "the challenger" if target.preview else "as everybody"
        pods = f"{target.challenger.value} | {target.former.value}"
        lines.append(f"| {phase} | {pods} | {target.traffic.value} | {testers} |")
    return lines


if __name__ == "__main__":
    (Path(__file__).parents[3] / "docs" / "state-machine.md").write_text(HEAD + drawn())
