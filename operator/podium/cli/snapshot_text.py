"""Snapshots for people: a table of many, and one with its parents and evaluations."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import click

from podium.api.v1alpha1.values.base import format_time
from podium.cli.tables import age, table
from podium.core.evaluations import Evaluation
from podium.core.printable import plain
from podium.snapshots.snapshot import Snapshot

_HEAD: Final = ("ITERATION", "NAME", "MODEL ID", "PARENT", "EVALUATIONS", "PROMOTED", "AGE")
_METRICS: Final = 10  # of an evaluation
_OF_MLFLOW: Final = "mlflow."


def list_text(found: Sequence[Snapshot], experiment: str, now: datetime, of: Sequence[str | None] = ()) -> str:
    """The table, or that there are none; `of` is the kind and the domain that were asked for."""
    if not found:
        asked = ", ".join(plain(each) for each in of if each is not None)
        what = f"{asked} snapshots" if asked else "snapshots"
        return f"no {what} in experiment {plain(experiment)}; podium snapshots create makes one"
    return "\n".join(table(_HEAD, [_cells(each, now) for each in found]))


def show_text(chain: Sequence[Snapshot], problem: str) -> str:
    """The first of the chain, without a newline at its end."""
    return "\n".join(_lines(chain[0], chain[1:], problem))


def _cells(each: Snapshot, now: datetime) -> tuple[str, ...]:
    return (
        str(each.iteration),
        each.name,
        each.model_id,
        each.parent or "-",
        str(len(each.evaluations)) if each.evaluations else "not evaluated",
        each.tags.get("promoted", "-"),
        age(each.created, now),
    )


def _lines(found: Snapshot, parents: Sequence[Snapshot], problem: str) -> Iterator[str]:
    yield click.style(plain(found.name), bold=True)
    yield f"  model id       {found.model_id}"
    yield f"  created        {format_time(found.created) if found.created else '-'}"
    yield f"  source run     {plain(found.run_id)}"
    yield f"  configuration  sha256:{plain(found.configuration_sha256)}"
    yield f"  digest         {plain(found.digest)}"
    yield f"  files          {click.style(plain(problem), fg='red') if problem else 'as they were written'}"
    for each in parents:
        yield f"  parent         {each.model_id}  {plain(each.name)}"
    if (gone := [found, *parents][-1].parent) is not None:
        yield f"  parent         {plain(gone)}  was deleted"
    for what, values in (("prompt", found.prompts), ("param", found.params), ("tag", found.tags)):
        shown = {key: value for key, value in values.items() if not key.startswith(_OF_MLFLOW)}
        yield from (f"  {what:<13}  {plain(key)} = {plain(value)}" for key, value in sorted(shown.items()))
    for evaluation in found.evaluations:
        yield f"  evaluation     {plain(_evaluation(evaluation))}"
    if not found.evaluations:
        yield "  evaluation     none yet; do: mlflow.genai.evaluate(…, model_id=…)"


def _evaluation(made: Evaluation) -> str:
    metrics = [f"{key} {value:g}" for key, value in sorted(made.metrics.items())[:_METRICS]]
    more = len(made.metrics) - len(metrics)
    on = f" on {made.dataset.name}" if made.dataset else ""
    return f"{made.name}{on}: {', '.join(metrics)}{f' and {more} more' if more else ''}"
