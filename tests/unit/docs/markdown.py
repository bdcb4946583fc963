"""The repository's Markdown as tests read it: pages, their headings, and their code blocks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.yaml_files import ROOT

_FENCE: Final = re.compile(
    r"^(?P<indent> *)```(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)

PAGES: Final = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "manifests/*.md", "tests/*.md", "testbed/*.md")
    for path in ROOT.glob(pattern)
)


class Block(NamedTuple):
    """A code block, and where it stands."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(str(page.relative_to(ROOT)), line, found["language"].strip(), found["text"])


def anchors(page: Path) -> set[str]:
    """What can follow the # of a link to this page, as GitHub makes it of the headings."""
    prose = _FENCE.sub("", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose)}
