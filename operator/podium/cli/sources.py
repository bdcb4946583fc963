"""The YAML files that a command line names: a file, a directory, or standard input."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from podium.cli.objects import reading

_SUFFIXES: Final = {".yaml", ".yml"}


def texts(source: str, failure: type[click.ClickException]) -> Iterator[tuple[str, str]]:
    """Name and text of each file; of a directory all its *.yaml and *.yml, at any depth. Raises the failure."""
    if source == "-":
        yield "<stdin>", sys.stdin.read()
        return
    for path in _files(Path(source)):
        with reading(str(path), failure):
            yield str(path), path.read_text(encoding="utf-8")


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    inside = (file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
    return sorted(file for file in inside if not any(part.startswith(".") for part in file.relative_to(path).parts))
