"""`podium explain`: where a ModelDeployment stands, and for a trial every gate and guard with its evidence."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from podium.api.v1alpha1.values.base import format_time
from podium.cli.explanation import Unexplained, explanation
from podium.cli.explanation_text import as_text
from podium.cli.objects import InputError, text_of, the_one
from podium.cli.screen import Screen
from podium.errors import NotFound, PodiumError


@click.command(short_help="Show a trial: each gate and guard with evidence, limit and verdict.")
@click.argument("name", required=False)
@click.option("-n", "--namespace", help="Namespace.  [default: that of the kubeconfig's context]")
@click.option(
    "-f",
    "--file",
    "source",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Read the object from here instead, as `kubectl get md NAME -o yaml` gives it; - for standard input.",
)
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object instead of a text.")
def explain(name: str | None, namespace: str | None, source: str | None, *, as_object: bool) -> None:
    """Explain where the ModelDeployment NAME stands, and why.

    For a trial: every guard with its counts, its limit and its verdict, how near the evidence is to a proof either way,
    and about how many more answers that takes. A bar of a share ends at twice the limit; the line in it is the limit.

    Exit code: 0 when it is shown, 1 when there is no such ModelDeployment or it cannot be read, 2 for wrong arguments.
    """
    if source is None and name is None:
        raise click.UsageError("expected the NAME of a ModelDeployment, or --file")
    if source is not None and namespace is not None:
        raise click.UsageError("--namespace has no meaning with --file")
    value = the_one(source, text_of(source), name) if source is not None else _live(str(name), namespace)
    try:
        said = explanation(value)
    except Unexplained as error:
        raise InputError(f"this version of podium cannot explain {source or name}: {error}") from error
    screen = Screen.present()
    screen.show(json.dumps(asdict(said), indent=2, default=_moment) if as_object else as_text(said, screen))


def _live(name: str, namespace: str | None) -> Mapping[str, Any]:
    # The client takes most of a second to import, and a file needs none of it.
    from podium.cli.live import model_deployment  # noqa: PLC0415

    try:
        return asyncio.run(model_deployment(name, namespace))
    except NotFound as error:
        raise InputError(f"ModelDeployment {name} not found: {error}") from error
    except PodiumError as error:
        raise InputError(f"could not read {name}: {error}") from error


def _moment(value: object) -> str:
    assert isinstance(value, datetime)
    return format_time(value)


if __name__ == "__main__":
    explain()
