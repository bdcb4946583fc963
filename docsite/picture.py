"""docs/podium-explain.svg: a terminal with what `podium explain` prints of a trial, up to the first guard.

The text is the golden file that the CLI's test compares with, so the picture shows nothing that Podium does not print.
"""

from html import escape
from typing import Final

from docsite.links import ROOT

FILE: Final = ROOT / "docs/podium-explain.svg"
SHOWN: Final = ROOT / "tests/unit/cli/explained/canary.txt"
COMMAND: Final = "$ podium explain churn -n ml"
_LINE, _LETTER, _MARGIN, _BAR = 18, 7.8, 20, 36  # pixels
_PARTS: Final = 4  # where it stands, the gates, the trial, the first guard
_COLOURS: Final = {"Failed": "#f47067", "Passed": "#6bc46d", "Inconclusive": "#daaa3f", "Pending": "#daaa3f"}


def drawn() -> str:
    """The picture, without any library."""
    shown = SHOWN.read_text().split("\n\n")[:_PARTS]
    lines = [COMMAND, *"\n\n".join(shown).split("\n")]
    width = round(max(map(len, lines)) * _LETTER) + 2 * _MARGIN
    height = len(lines) * _LINE + _BAR + _MARGIN
    rows = [_row(line, _BAR + _LINE * (number + 1)) for number, line in enumerate(lines)]
    return "\n".join([_frame(width, height), *rows, "</svg>", ""])


def _frame(width: int, height: int) -> str:
    dots = "".join(
        f'<circle cx="{22 + 20 * at}" cy="18" r="6" fill="{colour}"/>'
        for at, colour in enumerate(("#f47067", "#daaa3f", "#6bc46d"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13" fill="#adbac7">\n'
        f"<title>podium explain shows a trial: each guard with its counts, its limit and its evidence</title>\n"
        f'<rect width="{width}" height="{height}" rx="8" fill="#22272e"/>{dots}'
    )


def _row(line: str, y: int) -> str:
    text = escape(line)
    for word, colour in _COLOURS.items():
        text = text.replace(word, f'<tspan fill="{colour}">{word}</tspan>')
    bold = ' fill="#cdd9e5" font-weight="bold"' if line and not line.startswith(" ") else ""
    return f'<text x="{_MARGIN}" y="{y}" xml:space="preserve"{bold}>{text}</text>'
