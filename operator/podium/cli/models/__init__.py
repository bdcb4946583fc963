"""`podium models`: the registry's versions, looked at and changed. One module for each group of its commands.

    asking          the options that say which registry is asked, and its errors as the command line's own
    listing         list, search
    details         info, compare
    changing        tag, semver
    promoting       promote: the patch of the ModelDeployment, or the version's place in its life
    production      load-production
    shown           what of a version is shown, as JSON and as text

What belongs here: arguments, output and exit codes. What is asked, compared and decided is in `podium.registry` and
`podium.core`.
"""

from importlib import import_module
from typing import Final, NamedTuple

import click


class Command(NamedTuple):
    """Where a command is, and what it does."""

    module: str  # of this package
    name: str  # in it
    help: str


COMMANDS: Final = {
    "compare": Command("details", "compare", "Show two versions beside each other."),
    "info": Command("details", "info", "Show all of one version."),
    "list": Command("listing", "list_", "List a model's versions, or the registered models."),
    "load-production": Command("production", "load_production", "Download the version in production."),
    "promote": Command("promoting", "promote", "Move a version to a stage: production as a patch for Git."),
    "search": Command("listing", "search", "List the versions of a model that fulfil conditions."),
    "semver": Command("changing", "semver", "Give a version its semantic version."),
    "tag": Command("changing", "tag", "Set and remove tags of a version."),
}


class Commands(click.Group):
    """A group whose commands are imported when they are used: a list waits for no client of Kubernetes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{found.module}"), found.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])


@click.group(cls=Commands, short_help="Look at a registry's versions, compare them, and promote one.")
def models() -> None:
    """Look at the versions of a registered model, compare them, and move one towards production.

    The registry is MLFLOW_TRACKING_URI, or --registry, with MLflow's own variables for a login.
    """
