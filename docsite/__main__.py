"""Writes the generated pages: `python -m docsite`."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from docsite import cli, picture, reasons, rooms, shown


def generated() -> Iterator[tuple[Path, Callable[[], str]]]:
    """Each generated file, and what makes its text: some pages show what a command prints, which takes seconds."""
    yield picture.FILE, picture.drawn
    yield cli.FILE, cli.page
    yield rooms.FILE, rooms.page
    for page in shown.PAGES:
        yield page, partial(_as_shown_now, page)
    for name, text in reasons.pages().items():
        yield reasons.FOLDER / name, partial(str, text)


def _as_shown_now(page: Path) -> str:
    return shown.current(page.read_text())


def stale() -> list[Path]:
    """Pages that no reason has any more."""
    return sorted(path for path in reasons.FOLDER.glob("*.md") if path.name not in reasons.pages())


if __name__ == "__main__":
    for path in stale():
        path.unlink()
    for path, made in generated():
        path.write_text(made())
