"""Which rows of the fleet a viewer asked for. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import urlencode

from podium.dashboard.kept import Entry, Place

ROWS: Final = 100  # on a page
_LONGEST: Final = 253  # characters of a filter: the longest name in Kubernetes
_DIGITS: Final = 6  # of a page's number


@dataclass(frozen=True)
class Selection:
    """What the address says."""

    namespace: str = ""
    phase: str = ""
    text: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The parts of a query that are understood; a page that is no number is the first one."""
        words = {name: query.get(name, "").strip()[:_LONGEST] for name in ("namespace", "phase", "text")}
        page = query.get("page", "")
        number = int(page) if page.isascii() and page.isdigit() and len(page) <= _DIGITS else 1
        return cls(**words, page=max(1, number))

    @property
    def query(self) -> str:
        """As the address says it: `?phase=Canary&page=2`."""
        said = {"namespace": self.namespace, "phase": self.phase, "text": self.text}
        parts = {name: word for name, word in said.items() if word} | ({"page": self.page} if self.page > 1 else {})
        return f"?{urlencode(parts)}" if parts else ""

    def on_page(self, page: int) -> Self:
        """The same on another page."""
        return replace(self, page=page)

    def with_phase(self, phase: str) -> Self:
        """The same for another phase, from its first page."""
        return replace(self, phase=phase, page=1)


@dataclass(frozen=True)
class Window:
    """The rows of one page, and where they are in the fleet."""

    selection: Selection  # on the page that is there
    rows: Sequence[Entry]
    first: int  # of the rows, from 1; 0 where there is none
    found: int
    all: int
    pages: int
    phases: Mapping[str, int]  # how many there are in each phase, by namespace and text alone
    namespaces: Sequence[str]


def window(entries: Sequence[Entry], asked: Selection) -> Window:
    """The rows that were asked for; the last page where there is none of that number."""
    words = asked.text.casefold().split()
    there = [
        each
        for each in entries
        if (not asked.namespace or each.place.namespace == asked.namespace)
        and all(word in each.searched for word in words)
    ]
    found = [each for each in there if each.phase == asked.phase] if asked.phase else there
    pages = max(1, -(-len(found) // ROWS))
    page = min(asked.page, pages)
    rows = found[(page - 1) * ROWS : page * ROWS]
    return Window(
        selection=asked.on_page(page),
        rows=rows,
        first=(page - 1) * ROWS + 1 if rows else 0,
        found=len(found),
        all=len(entries),
        pages=pages,
        phases=dict(sorted(Counter(each.phase for each in there).items())),
        namespaces=sorted({each.place.namespace for each in entries}),
    )


def named(place: Place) -> str:
    """The place as people write it."""
    return "/".join(part for part in place if part)
