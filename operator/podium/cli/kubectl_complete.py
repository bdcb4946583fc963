"""`kubectl_complete-podium`: what kubectl asks for the completion of `kubectl podium`.

It is given the words after `podium`, of which the last one is being typed, and answers in the form of cobra's
`__complete`: a word with its description a line, and then a directive
(https://github.com/spf13/cobra/blob/main/site/content/completions/_index.md).
"""

import sys
from typing import Final

import click
from click.shell_completion import ShellComplete

from podium.cli.main import main

_NO_FILES: Final = ":4"
_FILES: Final = ":0"


class _Kubectl(ShellComplete):
    name = "kubectl"
    source_template = ""


def complete() -> None:
    """Answer for the words of the command line. What fails is silent."""
    *before, typed = sys.argv[1:] or [""]
    try:
        found = _Kubectl(main, {}, "kubectl podium", "").get_completions(before, typed)
    except Exception:  # noqa: BLE001  kubectl would write it into the line that is being typed
        found = []
    plain = [each for each in found if each.type == "plain"]
    for each in plain:
        click.echo(f"{each.value}\t{each.help}" if each.help else each.value)
    click.echo(_FILES if len(plain) != len(found) else _NO_FILES)


if __name__ == "__main__":
    complete()
