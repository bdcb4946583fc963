"""Writes the generated pages: `python -m docsite`."""

from collections.abc import Iterator
from pathlib import Path

from docsite import cli, picture, reasons, rooms, shown


def generated() -> Iterator[tuple[Path, str]]:
    """Each generated file and its text."""
    yield picture.FILE, picture.drawn()
    yield cli.FILE, cli.page()
    yield rooms.FILE, rooms.page()
    for page in shown.PAGES:
        yield page, shown.current(page.read_text())
    for name, text in reasons.pages().items():
        yield reasons.FOLDER / name, text


def stale() -> list[Path]:
    """Pages that no reason has any more."""
    return sorted(path for path in reasons.FOLDER.glob("*.md") if path.name not in reasons.pages())


if __name__ == "__main__":
    for path in stale():
        path.unlink()
    for path, text in generated():
        path.write_text(text)
