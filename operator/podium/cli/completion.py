"""`podium completion`: the script by which a shell completes what is typed after `podium`."""

from typing import Final

import click
from click.shell_completion import ShellComplete, get_completion_class

_HOW: Final = """\
Print the script by which SHELL completes verbs, options, files, and from the cluster names and namespaces.

\b
bash: source <(podium completion bash)         in ~/.bashrc
zsh:  source <(podium completion zsh)          in ~/.zshrc, after compinit
fish: podium completion fish > ~/.config/fish/completions/podium.fish

kubectl completes `kubectl podium` itself, where kubectl_complete-podium is on the PATH, as pip puts it there.

Exit code: 0 when it is printed, 2 for wrong arguments.
"""


@click.command(short_help="Print the script by which bash, zsh or fish completes podium.", help=_HOW)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script; its help is above."""
    root = click.get_current_context().find_root().command
    kind = get_completion_class(shell)
    assert kind is not None
    # The base class's own: bash's asks this machine's bash for its version, and warns of another one.
    click.echo(ShellComplete.source(kind(root, {}, "podium", "_PODIUM_COMPLETE")))
