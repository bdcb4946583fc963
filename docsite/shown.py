"""The outputs that pages show below commands of `podium`: run again, so that they are what the commands print.

`podium explain` and `podium get` need a cluster; their pages show the golden files that the CLI's tests compare with.
"""

import re
import shlex
import subprocess
import sys
from typing import Final

from docsite.links import ROOT

PAGES: Final = (ROOT / "docs/simulate-and-explain.md", ROOT / "docs/verbs.md")
_EXPLAINED: Final = ROOT / "tests/unit/cli/explained"
_GOLDEN: Final = {
    "podium explain churn -n ml": _EXPLAINED / "second_step.txt",
    "podium get churn -n ml": _EXPLAINED / "second_step.tree",
}
_SHOWN: Final = re.compile(r"^```console\n\$ (?P<command>podium [^\n]+)\n.*?^```$", re.MULTILINE | re.DOTALL)


def current(text: str) -> str:
    """The page with today's outputs."""
    return _SHOWN.sub(lambda found: f"```console\n$ {found['command']}\n{_output(found['command'])}\n```", text)


def _output(command: str) -> str:
    if command in _GOLDEN:
        return _GOLDEN[command].read_text().rstrip()
    words = [sys.executable, "-m", "podium.cli.main", *shlex.split(command)[1:]]
    done = subprocess.run(  # noqa: S603  our own interpreter and commands
        words, cwd=ROOT, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT / "operator")}
    )
    return "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())
