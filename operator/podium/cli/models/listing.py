"""`podium models list` and `podium models search`: versions, one a line."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from podium.api.v1alpha1.values.base import format_time
from podium.cli.models.asking import asks, model
from podium.cli.models.shown import as_json, version_table, version_values
from podium.cli.options import as_json as json_option
from podium.cli.screen import Screen
from podium.cli.tables import age, table
from podium.registry import RegisteredModel, Registry, Version
from podium.registry.registry import MOST
from podium.registry.where import conditions

_ALL = 10_000  # versions of a model that are searched
_most = click.option(
    "--max-results", default=MOST, show_default=True, type=click.IntRange(1, _ALL), help="Versions at most."
)
_metrics = click.option("-m", "--metric", "metrics", multiple=True, metavar="KEY", help="A metric to show; repeatable.")


@click.command("list", short_help="List a model's versions, or the registered models.")
@click.argument("model", required=False)
@_metrics
@_most
@asks
@json_option
def list_(
    model: str | None, metrics: tuple[str, ...], max_results: int, registry: Registry, *, as_object: bool
) -> None:
    """List the versions of MODEL, the newest first; without MODEL, the registered models.

    LIFECYCLE is the version's place in its life. Metrics are the last values of the version's own run.

    Exit code: 0 when they are listed, 1 when there is no such model or the registry cannot be read, 2 for wrong
    arguments.
    """
    if model is None:
        _show_models(registry.models(most=max_results), registry.uri, as_object=as_object)
        return
    found = registry.versions(model, most=max_results, metrics=bool(metrics) or as_object)
    _show(found, metrics, f"no versions of {model} at {registry.uri}; do: register one", as_object=as_object)


@click.command(short_help="List the versions of a model that fulfil conditions.")
@model
@click.argument("where")
@_metrics
@_most
@asks
@json_option
def search(
    model: str, where: str, metrics: tuple[str, ...], max_results: int, registry: Registry, *, as_object: bool
) -> None:
    r"""List the versions of MODEL of which WHERE holds, the newest first.

    WHERE: conditions with `and` between them, of metrics.KEY, params.KEY, tags.KEY, alias, lifecycle, mlflow_stage,
    run, semver, status and version, with = != < <= > >= and like. NaN fulfils none.

    \b
        podium models search churn "metrics.auc > 0.9 and tags.team = 'growth' and lifecycle = validated"

    Exit code: 0 when they are listed, none of them too; 1 when the registry cannot be read, 2 for wrong arguments.
    """
    wanted = conditions(where)
    found = registry.versions(model, most=_ALL, metrics=_about_runs(where) or bool(metrics) or as_object)
    fitting = [each for each in found if all(condition.holds(each) for condition in wanted)][:max_results]
    none = f"none of the {len(found)} versions of {model} fulfils it"
    _show(fitting, metrics, none, as_object=as_object)


def _about_runs(where: str) -> bool:
    return "metrics." in where or "params." in where


def _show(found: Sequence[Version], metrics: Sequence[str], none: str, *, as_object: bool) -> None:
    screen = Screen.present()
    if as_object:
        screen.show(as_json(list(map(version_values, found))))
        return
    screen.show(version_table(found, metrics) if found else none)
    for missing in (key for key in metrics if found and not any(key in each.metrics for each in found)):
        there = ", ".join(sorted({key for each in found for key in each.metrics})) or "none"
        click.echo(f"no version has a metric {missing}; their runs have: {there}", err=True)


def _show_models(found: Sequence[RegisteredModel], uri: str, *, as_object: bool) -> None:
    screen = Screen.present()
    if as_object:
        screen.show(as_json([_values(each) for each in found]))
    elif not found:
        screen.show(f"no registered models at {uri}; do: register one, or check MLFLOW_TRACKING_URI and its login")
    else:
        now = datetime.now(UTC)
        rows = [(each.name, each.newest or "-", _aliases(each), age(each.created, now) + " ago") for each in found]
        screen.show("\n".join(table(("MODEL", "NEWEST", "ALIASES", "CREATED"), rows)))


def _aliases(found: RegisteredModel) -> str:
    return ", ".join(f"{alias} {to}" for alias, to in sorted(found.aliases.items())) or "-"


def _values(found: RegisteredModel) -> dict[str, object]:
    return {
        "model": found.name,
        "newest": found.newest or None,
        "aliases": dict(sorted(found.aliases.items())),
        "created": format_time(found.created) if found.created is not None else None,
    }
