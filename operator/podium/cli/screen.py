"""What a terminal can show: bars, colours and letters, as far as it has them; nothing else gets through to it."""

import os
import shutil
import sys
import textwrap
from dataclasses import dataclass
from typing import Final, Self

import click

from podium.core.printable import plain

_UNICODE: Final = "█▏▎▍▌▋▊▉│·→├└─✓▶"
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_NARROWEST, _WIDEST = 60, 120  # characters


@dataclass(frozen=True)
class Screen:
    """A terminal, or a file."""

    width: int = 100  # characters
    unicode: bool = True
    terminal: bool = False  # a person looks at it, and what was shown can be drawn over

    @classmethod
    def present(cls) -> Self:
        """The one that standard output leads to."""
        width = shutil.get_terminal_size((100, 24)).columns
        return cls(min(max(width, _NARROWEST), _WIDEST), _can_show(_UNICODE), sys.stdout.isatty())

    def bar(self, part: float, width: int, mark: float | None = None) -> str:
        """A bar that fills this part of so many characters, with a line at `mark`."""
        eighths = round(min(max(part, 0.0), 1.0) * width * len(_EIGHTHS))
        if self.unicode:
            full, rest = divmod(eighths, len(_EIGHTHS))
            cells = list(("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width, "·"))
        else:
            cells = list(("#" * round(eighths / len(_EIGHTHS))).ljust(width, "."))
        if mark is not None:
            cells[min(round(mark * width), width - 1)] = "│" if self.unicode else "|"
        return "".join(cells)

    def wrapped(self, text: str, indent: int) -> str:
        """A text in lines that fit, all of them indented."""
        room = " " * indent
        lines = textwrap.wrap(plain(text), self.width, initial_indent=room, subsequent_indent=room)
        return "\n".join(lines)

    def show(self, text: str) -> None:
        """Print it, without colours where the terminal has none or the user wants none (https://no-color.org)."""
        encoding = sys.stdout.encoding or "ascii"
        shown = text.encode(encoding, errors="replace").decode(encoding)
        click.echo(shown, color=False if os.environ.get("NO_COLOR") else None)


def _can_show(letters: str) -> bool:
    try:
        letters.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
