"""docs/rooms.md: the layers that import-linter holds, each room with the first line of its charter."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from docsite.links import ROOT

FILE: Final = ROOT / "docs/rooms.md"
_HEAD: Final = """# Rooms

What import-linter holds (`pyproject.toml`, checked by `make check`). In each table a room may import those below it.
Rooms in one row do not import each other. The text is the first line of the room's own charter."""


def page() -> str:
    """The page, from pyproject.toml and the docstrings."""
    return "\n\n".join([_HEAD, *(_table(contract) for contract in layers())]) + "\n"


def layers() -> list[dict[str, Any]]:
    """The contracts of import-linter that order rooms, as pyproject.toml has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return [contract for contract in settings["contracts"] if contract["type"] == "layers"]


def _table(contract: dict[str, Any]) -> str:
    rows = [" | ".join(_row(contract, layer)) for layer in contract["layers"]]
    return "\n".join(
        [f"## {contract['name']}", "", "| rooms | what they are |", "|---|---|", *(f"| {r} |" for r in rows)]
    )


def _row(contract: dict[str, Any], layer: str) -> Iterator[str]:
    rooms = [_whole(contract, room.strip(" ()")) for room in layer.replace(":", "|").split("|")]
    yield ", ".join(f"`{room}`" for room in rooms)
    yield "<br>".join(charter(room) for room in rooms)


def _whole(contract: dict[str, Any], room: str) -> str:
    containers = contract.get("containers", [])
    return f"{containers[0]}.{room}" if containers else room


def charter(room: str) -> str:
    """The first line of a module's or package's docstring."""
    path = ROOT / "operator" / Path(*room.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text())) or ""
    return text.partition("\n")[0]
