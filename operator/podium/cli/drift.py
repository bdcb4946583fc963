"""`podium drift`: what a version was asked, beside its training profile."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from podium.adapters.kubernetes import names
from podium.adapters.metrics.drift import PATH, drift_report
from podium.api.v1alpha1.manifest import KIND
from podium.api.v1alpha1.status import Pinned
from podium.cli.drift_page import html
from podium.cli.live import Connection, connected, run
from podium.cli.objects import InputError
from podium.cli.options import Place, as_json, at_place, named
from podium.cli.screen import Screen
from podium.cli.tables import table, to_json
from podium.core.drift.comparison import FeatureDrift, compare
from podium.core.drift.reports import DriftReport, agreed, together
from podium.core.printable import plain
from podium.core.status.explanation import Unexplained, parsed
from podium.errors import NotFound, PodiumError

_LIMIT: Final = 4 * 1024 * 1024  # bytes of a page
_WITHIN: Final = 10.0  # seconds
_ON: Final = "set PODIUM_DRIFT to 'on' in spec.serving.env"
_PROFILE: Final = "log one with podium.profile.log before the version is registered"


@click.command(short_help="Compare what a version was asked with its training profile.")
@named
@click.option("--challenger", is_flag=True, help="Of the version on trial.  [default: of the champion]")
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with plots, too.")
@at_place
@as_json
def drift(name: str, place: Place, *, challenger: bool, page: Path | None, as_object: bool) -> None:
    """Compare what the pods of the champion of NAME were asked since they started with its training profile.

    PSI is the population stability index. A feature is called drifted where neither chance nor the tolerance (an index
    of 0.005) explains what was counted: wrongly in at most 1 % of looks, all features together.

    Asks each pod through the API server, which takes the right to get pods/proxy.

    Exit code: 0 when it is shown, 1 when it cannot be read, 2 for wrong arguments.
    """
    if page is not None and not page.absolute().parent.is_dir():
        raise InputError(f"--html: folder {page.absolute().parent} not found")
    whose, reports = run(_asked(name, place, challenger=challenger), name)
    found = _compared(name, whose, reports)
    if page is not None:
        page.write_text(html(f"{name}: version {whose.version}", found), encoding="utf-8")
    said = to_json([asdict(one) for one in found]) if as_object else _text(whose, len(reports), found)
    Screen.present().show(said)


async def _asked(name: str, place: Place, *, challenger: bool) -> tuple[Pinned, Sequence[DriftReport]]:
    async with connected(place) as connection:
        whose = _whose(await connection.model_deployment(name), name, challenger=challenger)
        pods = [pod for pod in await connection.pods(name) if _slot(pod) == whose.slot]
        answers = await asyncio.gather(*(_ask(connection, str(pod["metadata"]["name"])) for pod in pods))
        return whose, [answer for answer in answers if answer is not None]


async def _ask(connection: Connection, pod: str) -> DriftReport | None:
    """What a pod says; None where it does not, which is told."""
    path = names.path(names.PODS, connection.namespace, f"{pod}:{names.PORT}", f"proxy/{PATH}")
    try:
        found = drift_report(await connection.api.text(path, limit=_LIMIT, within=_WITHIN))
        why = "its page of drift cannot be read"
    except NotFound:
        found, why = None, f"it counts no drift; do: {_ON}"
    except PodiumError as error:
        found, why = None, str(error)
    if found is None:
        click.echo(plain(f"pod {pod}: {why}"), err=True)
    return found


def _whose(value: Mapping[str, Any], name: str, *, challenger: bool) -> Pinned:
    try:
        _, status = parsed(value)
    except Unexplained as error:
        raise InputError(f"this version of podium cannot read {name}: {error}") from error
    role, found = ("challenger", status.challenger) if challenger else ("champion", status.champion)
    if found is None:
        raise InputError(f"{KIND} {name}: expected a {role}, found none in phase {status.phase}; do: podium get {name}")
    return found


def _slot(pod: Mapping[str, Any]) -> str:
    return str((pod["metadata"].get("labels") or {}).get(names.SLOT, ""))


def _compared(name: str, whose: Pinned, reports: Sequence[DriftReport]) -> list[FeatureDrift]:
    what = f"{KIND} {name}: version {whose.version}"
    if not reports:
        raise InputError(f"{what}: expected a pod that counts drift, found none")
    if not all(report.has_profile for report in reports):
        raise InputError(f"{what} has no training profile; do: {_PROFILE}")
    profile = agreed(reports)
    if profile is None:
        raise InputError(f"{what}: its pods have profiles that differ; do: podium get {name}")
    return compare(profile, together(report.counts for report in reports))


def _text(whose: Pinned, pods: int, found: Sequence[FeatureDrift]) -> str:
    rows = [
        (one.name, f"{one.rows:,}", f"{one.stability_index:.3f}", _change(one), "Drifted" if one.drifted else "-")
        for one in found
    ]
    head = ("FEATURE", "ROWS", "PSI", "LARGEST CHANGE", "VERDICT")
    lines = [f"version {whose.version}, {pods} pod{'s' if pods > 1 else ''}, since they started", *table(head, rows)]
    return "\n".join(lines)


def _change(one: FeatureDrift) -> str:
    if not one.rows:
        return "-"
    place = one.largest_change
    return f"{one.bins[place]}: {one.reference[place]:.1%} -> {one.shares[place]:.1%}"


if __name__ == "__main__":
    drift()
