"""One page for each reason, and their index, from docs/reasons/reasons.yaml."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from docsite.links import ROOT

FOLDER: Final = ROOT / "docs/reasons"
TABLE: Final = FOLDER / "reasons.yaml"
_CODE: Final = re.compile(r"[A-Z]\w+=\w+|status\.\w+|podium\.dev/\w+")


class Help(NamedTuple):
    """What a person needs to know of a reason."""

    group: str
    where: str
    cause: str
    fix: str


def read(table: Path = TABLE) -> dict[str, Help]:
    """The table, by reason. Raises TypeError where an entry has other fields than where, cause and fix."""
    groups = yaml.safe_load(table.read_text())
    return {
        reason: Help(group=group["group"], **fields) for group in groups for reason, fields in group["reasons"].items()
    }


def pages(table: Path = TABLE) -> dict[str, str]:
    """The text of each file in docs/reasons, by its name."""
    help_of = read(table)
    known = {f"{reason}.md": _page(reason, help_of) for reason in help_of}
    return known | {"README.md": "\n".join(_index(help_of))}


def _page(reason: str, help_of: dict[str, Help]) -> str:
    found = help_of[reason]
    sections = [f"# {reason}", f"Appears in: {_with_code(found.where)}.", "## Cause", found.cause, "## Fix", found.fix]
    return "\n\n".join(sections) + "\n"


def _index(help_of: dict[str, Help]) -> Iterator[str]:
    yield "# Reasons"
    yield ""
    yield "What the `reason` of a condition, an Event, a tag or an entry of `status.history` means, and what to do."
    group = ""
    for reason, found in help_of.items():
        if found.group != group:
            group = found.group
            yield from ["", f"## {group}", "", "| reason | appears in | cause |", "|---|---|---|"]
        yield f"| [{reason}]({reason}.md) | {_with_code(found.where)} | {found.cause.partition('. ')[0].rstrip('.')} |"
    yield ""


def _with_code(text: str) -> str:
    return _CODE.sub(lambda found: f"`{found.group()}`", text)
