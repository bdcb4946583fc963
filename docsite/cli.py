"""docs/cli.md: what `podium VERB --help` prints, so that the page is what the commands say of themselves."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from docsite.links import ROOT
from podium.cli.main import VERBS

FILE: Final = ROOT / "docs/cli.md"
_HEAD: Final = """# Commands

`pip install 'podium[cli]'` gives the command `podium`, also as `kubectl podium`. `serve`, `score` and `snapshots`
need `podium[cli,runtime]`, and `dashboard` needs `podium[cli,dashboard]`.
[Before a trial, and during it](simulate-and-explain.md) shows `simulate` and `explain`,
[Look at rollouts and steer them](verbs.md) the verbs for a cluster."""


_CODE: Final = """
import sys
from click import Context, Group
from podium.cli.main import main

def show(*words):
    print("\\0" + " ".join(words))
    main([*words, "--help"], prog_name="podium", standalone_mode=False)

for verb in sys.argv[1:]:
    show(verb)
    found = main.get_command(Context(main), verb)
    for name in found.list_commands(Context(found)) if isinstance(found, Group) else ():
        show(verb, name)
"""


def page() -> str:
    """The page, from the commands' own help."""
    return "\n\n".join([_HEAD, *_sections()]) + "\n"


def _sections() -> Iterator[str]:
    for words, text in _helps():
        yield f"{'###' if ' ' in words else '##'} podium {words}\n\n```text\n{text}\n```"


def _helps() -> Iterator[tuple[str, str]]:
    """Of each verb, and of each command in it. In a process of its own: a verb may import MLflow, which warns."""
    done = subprocess.run(  # noqa: S603  our own interpreter and code
        [sys.executable, "-c", _CODE, *sorted(VERBS)],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "80", **_environment()},
    )
    for part in done.stdout.split("\0")[1:]:
        words, _, text = part.partition("\n")
        yield words, text.rstrip()


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT / "operator"), "PYTHONWARNINGS": "ignore"}
