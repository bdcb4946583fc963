"""docs/cli.md: what `podium VERB --help` prints, so that the page is what the commands say of themselves."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from docsite.links import ROOT
from podium.cli.main import VERBS

FILE: Final = ROOT / "docs/cli.md"
_HEAD: Final = """# Commands

`pip install 'podium[cli]'` gives the command `podium`, also as `kubectl podium`. `serve` and `score` need
`podium[cli,runtime]`, and `dashboard` needs `podium[cli,dashboard]`.
[Before a trial, and during it](simulate-and-explain.md) shows `simulate` and `explain`,
[Look at rollouts and steer them](verbs.md) the verbs for a cluster."""


def page() -> str:
    """The page, from the commands' own help."""
    return "\n\n".join([_HEAD, *_sections()]) + "\n"


def _sections() -> Iterator[str]:
    for verb in sorted(VERBS):
        yield f"## podium {verb}\n\n```text\n{_help(verb)}\n```"


def _help(verb: str) -> str:
    """In a process of its own: a verb may import MLflow, which warns of itself."""
    code = f"from podium.cli.main import main; main(['{verb}', '--help'], prog_name='podium')"
    done = subprocess.run(  # noqa: S603  our own interpreter and code
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "80", **_environment()},
    )
    return done.stdout.rstrip()


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT / "operator"), "PYTHONWARNINGS": "ignore"}
