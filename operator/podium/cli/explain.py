"""`podium explain`: where a ModelDeployment stands, and for a trial every gate and guard with its evidence."""

from collections.abc import Mapping
from typing import Any

import click

from podium.cli.completing import deployments
from podium.cli.explanation_text import as_text
from podium.cli.objects import InputError, text_of, the_one
from podium.cli.options import Place, as_json, at_place
from podium.cli.screen import Screen
from podium.cli.tables import to_json
from podium.core.status.explanation import Unexplained, explanation


@click.command(short_help="Show a trial: each gate and guard with evidence, limit and verdict.")
@click.argument("name", required=False, shell_complete=deployments)
@at_place
@click.option(
    "-f",
    "--file",
    "source",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Read the object from here instead, as `kubectl get md NAME -o yaml` gives it; - for standard input.",
)
@as_json
def explain(name: str | None, source: str | None, place: Place, *, as_object: bool) -> None:
    """Explain where the ModelDeployment NAME stands, and why.

    For a trial: every guard with its counts, its limit and its verdict, how near the evidence is to a proof either way,
    and about how many more answers that takes. A bar of a share ends at twice the limit; the line in it is the limit.

    Exit code: 0 when it is shown, 1 when there is no such ModelDeployment or it cannot be read, 2 for wrong arguments.
    """
    if source is None and name is None:
        raise click.UsageError("expected the NAME of a ModelDeployment, or --file")
    if source is not None and place.named:
        raise click.UsageError("--namespace, --context and --as have no meaning with --file")
    value = the_one(source, text_of(source), name) if source is not None else _live(str(name), place)
    try:
        said = explanation(value)
    except Unexplained as error:
        raise InputError(f"this version of podium cannot explain {source or name}: {error}") from error
    screen = Screen.present()
    screen.show(to_json(said) if as_object else as_text(said, screen))


def _live(name: str, place: Place) -> Mapping[str, Any]:
    # The client takes most of a second to import, and a file needs none of it.
    from podium.cli import live  # noqa: PLC0415

    return live.run(live.model_deployment(name, place), name)


if __name__ == "__main__":
    explain()
