"""`podium models info` and `podium models compare`: one version whole, and two beside each other."""

import asyncio
from collections.abc import Iterator, Sequence

import click

from podium.api.v1alpha1.values.base import format_time
from podium.cli.live import model_deployments, run
from podium.cli.models.asking import asks, model, number
from podium.cli.models.shown import (
    NO_VALUE,
    as_json,
    comparison_values,
    details_values,
    signature_lines,
)
from podium.cli.models.shown import number as formatted
from podium.cli.objects import InputError
from podium.cli.options import Place, at_place
from podium.cli.options import as_json as json_option
from podium.cli.screen import Screen
from podium.cli.tables import table
from podium.core.printable import plain
from podium.registry import Comparison, Details, Registry
from podium.registry.uses import Use, uses

_WITHIN = 1.0  # seconds in which the cluster is asked who uses a version: beside the registry, it is an extra


@click.command(short_help="Show all of one version.")
@model
@number
@click.option("--digest", is_flag=True, help="Read the version's files, and show the digest that Podium would pin.")
@click.option("--deployments/--no-deployments", default=True, show_default=True, help="Ask the cluster who uses it.")
@at_place
@asks
@json_option
def info(
    model: str, version: str, registry: Registry, place: Place, *, digest: bool, deployments: bool, as_object: bool
) -> None:
    """Show VERSION (a number or an alias) of MODEL: metrics, params, tags, signature, digest, and who uses it.

    Exit code: 0 when it is shown, 1 when there is no such version or the registry cannot be read, 2 for wrong
    arguments.
    """
    found = registry.details(model, version, digest=digest)
    used, problem = _uses(found, place) if deployments else ((), "")
    screen = Screen.present()
    if as_object:
        listed = [{"namespace": each.namespace, "name": each.deployment, "role": each.role} for each in used]
        screen.show(as_json({**details_values(found), "deployments": listed, "deploymentsProblem": problem or None}))
    else:
        screen.show("\n".join(map(plain, _lines(found, used, problem, asked=deployments))))


@click.command(short_help="Show two versions beside each other.")
@model
@click.argument("one")
@click.argument("other")
@asks
@json_option
def compare(model: str, one: str, other: str, registry: Registry, *, as_object: bool) -> None:
    """Show versions ONE and OTHER (numbers or aliases) of MODEL beside each other, and what OTHER is for ONE's callers.

    Major: what called ONE can no longer call OTHER. Minor: OTHER takes or gives more. Patch: the rest.

    Exit code: 0 when they are shown, 1 when one is missing or the registry cannot be read, 2 for wrong arguments.
    """
    found, screen = registry.compare(model, one, other), Screen.present()
    screen.show(as_json(comparison_values(found)) if as_object else "\n".join(_beside(found)))


def _uses(found: Details, place: Place) -> tuple[Sequence[Use], str]:
    """Who uses the version, as far as the cluster says; and why it does not."""

    async def asked() -> Sequence[Use]:
        async with asyncio.timeout(_WITHIN):
            there = await model_deployments(place, everywhere=place.namespace is None)
        return [use for value in there for use in uses(value) if _about(use, found)]

    try:
        return run(asked(), None), ""
    except (InputError, TimeoutError) as error:
        return (), str(error) or f"the cluster did not answer within {_WITHIN:g} s"


def _about(use: Use, found: Details) -> bool:
    return (use.model, use.version) == (found.version.model, found.version.number)


def _lines(found: Details, used: Sequence[Use], problem: str, *, asked: bool) -> Iterator[str]:
    version = found.version
    yield f"{version.model} version {version.number}"
    for name, value in (
        ("semver", str(version.semver or NO_VALUE)),
        ("lifecycle", str(version.stage)),
        ("aliases", ", ".join(version.aliases) or NO_VALUE),
        ("mlflow stage", version.mlflow_stage),
        ("created", format_time(version.created) if version.created is not None else NO_VALUE),
        ("source", version.source or NO_VALUE),
        ("run", _run(found)),
        ("digest", found.digest or "not recorded; --digest reads the files"),
    ):
        if value:
            yield f"{name}: {value}"
    if asked:
        unknown = f"not known ({problem})" if problem else "none"
        yield f"deployments: {', '.join(map(str, dict.fromkeys(used))) or unknown}"
    metrics = {key: formatted(value) for key, value in version.metrics.items()}
    for title, values in (("metrics", metrics), ("params", version.params), ("tags", version.tags)):
        yield f"{title}:{'' if values else ' none'}"
        yield from (f"  {key}: {value}" for key, value in sorted(values.items()))
    yield f"signature:{'' if found.signature else ' none; log the model with signature or input_example'}"
    yield from signature_lines(found.signature) if found.signature else ()


def _run(found: Details) -> str:
    version = found.version
    if not version.run:
        return "none: it was registered without one, so it has no metrics and params"
    return version.run if version.run_found else f"{version.run} (deleted: its metrics and params are gone)"


def _beside(found: Comparison) -> Iterator[str]:
    one, other = found.one, found.other
    rows = [
        ("semver", str(one.semver or NO_VALUE), str(other.semver or NO_VALUE), ""),
        ("lifecycle", str(one.stage), str(other.stage), ""),
        ("aliases", ", ".join(one.aliases) or NO_VALUE, ", ".join(other.aliases) or NO_VALUE, ""),
    ]
    for key in sorted({*one.metrics, *other.metrics}):
        was, now = one.metrics.get(key), other.metrics.get(key)
        gained = f"{now - was:+.6g}" if was is not None and now is not None else ""
        rows.append((f"metrics.{key}", formatted(was), formatted(now), gained))
    for group, before, after in (("params", one.params, other.params), ("tags", one.tags, other.tags)):
        other_keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
        rows += [
            (f"{group}.{key}", before.get(key, NO_VALUE), after.get(key, NO_VALUE), "differs") for key in other_keys
        ]
    yield from table(("", f"VERSION {one.number}", f"VERSION {other.number}", "CHANGE"), rows)
    if found.difference is None:
        yield f"signature: not compared ({found.problem})"
    else:
        words = "; ".join(found.difference.words)
        yield plain(f"signature: {found.difference.step}{f' ({words})' if words else ''}")
