"""Each folder of examples/ as a page: what its README says, and the files."""

import re
from pathlib import Path
from typing import Final

from docsite.links import ROOT

FOLDERS: Final = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
_ROW: Final = re.compile(r"^\| \[(?P<folder>[^\]]+)\]\([^)]+\) \| (?P<shows>.+) \|$", re.MULTILINE)
_LANGUAGES: Final = {".yaml": "yaml", ".py": "python"}


def page(folder: Path) -> str:
    """The page of one example. A folder without a README has its row of the table in examples/README.md as text."""
    readme = folder / "README.md"
    text = readme.read_text().rstrip() if readme.exists() else _from_table(folder)
    return "\n\n".join([text, *(_shown(file) for file in sorted(folder.iterdir()) if file.suffix in _LANGUAGES)]) + "\n"


def _from_table(folder: Path) -> str:
    rows = {row["folder"]: row["shows"] for row in _ROW.finditer((folder.parent / "README.md").read_text())}
    return f"# {folder.name[3:].replace('-', ' ').capitalize()}\n\nShows: {rows[folder.name]}."


def _shown(file: Path) -> str:
    return f"## {file.name}\n\n```{_LANGUAGES[file.suffix]}\n{file.read_text().rstrip()}\n```"
