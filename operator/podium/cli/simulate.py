"""`podium simulate`: what a ModelDeployment would do to a good and to a bad version, before one serves a user."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import click

from podium.api.v1alpha1.manifest import ModelDeploymentManifest
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.values.base import format_duration, parse_duration, parse_percent
from podium.cli.objects import InputError, text_of, the_one
from podium.cli.problems import problems, written
from podium.cli.simulation_plot import Unplottable, check_target, plot
from podium.cli.simulation_report import About, Report, as_json, as_table
from podium.simulation.assumed import Contradiction, Role, Shares, assumed, on_errors
from podium.simulation.figures import figures
from podium.simulation.many import trials
from podium.simulation.population import Activity, Crowd
from podium.simulation.trial import Outcome, Plan
from podium.simulation.window import windowed

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST = timedelta(days=3650)
_MOST = 1_000_000  # clients


def rate_of(_: click.Context, __: click.Parameter, text: str) -> float:
    """Requests a second, of an option."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)/([smh])", text)
    if found is None or float(found[1]) == 0:
        raise click.BadParameter(f"expected a rate such as 50/s, 200/m or 10/h, found {text}")
    return float(found[1]) / _UNITS[found[2]]


def _shares(_: click.Context, __: click.Parameter, texts: Sequence[str]) -> Shares:
    """By guard; the key "" has the share that is said of none."""
    try:
        parts = [text.rpartition("=") for text in texts]
        return {guard: float(str(parse_percent(share))) for guard, _, share in parts}
    except ValueError as error:
        raise click.BadParameter(f"{error}; of one guard: NAME=1%") from error


def _time(_: click.Context, __: click.Parameter, text: str) -> timedelta:
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if not isinstance(found, timedelta) or not timedelta(0) < found <= _LONGEST:
        raise click.BadParameter(f"expected a time up to {format_duration(_LONGEST)}, found {text}")
    return found


@click.command(short_help="Try a ModelDeployment on assumed versions, in virtual time.")
@click.argument("source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--name", help="Which ModelDeployment of the file.  [default: the only one]")
@click.option("--rate", default="50/s", show_default=True, callback=rate_of, help="Requests: 50/s, 200/m, 10/h.")
@click.option("--good", multiple=True, callback=_shares, help="True share of bad answers of a good version.")
@click.option("--bad", multiple=True, callback=_shares, help="The same of a bad version.")
@click.option("--champion", multiple=True, callback=_shares, help="The same of the champion beside it.")
@click.option("--users", type=click.IntRange(1, _MOST), help="Who ask, and stay where spec.traffic.sessionAffinity is.")
@click.option("--connections", type=click.IntRange(1, _MOST), help="Who ask, each on a connection that is kept open.")
@click.option(
    "--requests-per-user",
    type=click.FloatRange(1),
    help="Of each on average, then another one comes.  [default: all stay]",
)
@click.option(
    "--activity",
    default="equal",
    show_default=True,
    type=click.Choice(["equal", "log-normal"]),
    help="How many requests each sends.",
)
@click.option("--trials", "number", default=200, show_default=True, type=click.IntRange(1, 100_000), help="Of each.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same figures.")
@click.option("--longest", default="168h", show_default=True, callback=_time, help="When to give a trial up.")
@click.option("--beside-window", is_flag=True, help="Show beside it what thresholds on windows of 20 requests do.")
@click.option("--plot", "picture", type=click.Path(dir_okay=False, path_type=Path), help="Draw it: .svg, or .png.")
@click.option("--workers", default=0, type=click.IntRange(0), help="Processes.  [default: as many as cores]")
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object instead of a table.")
def simulate(
    source: str,
    name: str | None,
    *,
    rate: float,
    good: Shares,
    bad: Shares,
    champion: Shares,
    users: int | None,
    connections: int | None,
    requests_per_user: float | None,
    activity: Activity,
    number: int,
    seed: int,
    longest: timedelta,
    beside_window: bool,
    picture: Path | None,
    workers: int,
    as_object: bool,
) -> None:
    """Simulate the trials of a good and of a bad version: FILE is a ModelDeployment, or - for standard input.

    The real operator works, in a simulated cluster and in virtual time. The true shares of bad answers are assumed: 5%
    is that of the guards on errors (or, without one, of the first guard), latency=5% that of the guard `latency`.
    Without them the champion and a good version have a fifth of what the guards tolerate, and a bad one five times as
    much of the first. Gates are taken to pass, and pods to start at once.

    Every request is a client of its own, unless --users or --connections say how many there are. A few of these fail
    with one request in five, whichever version answers: so the champion's bad answers come about.

    Exit code: 0 when it was simulated, 1 when the file holds no valid ModelDeployment, 2 for options that cannot be.
    """
    about, spec = _read(source, name, number, seed)
    try:
        said: Mapping[Role, Shares] = {"champion": champion, "good": good, "bad": bad}
        crowd = _crowd(users, connections, requests_per_user, activity)
        plan = Plan(spec, rate, assumed(spec.rollout.guards, said), longest, crowd)
        if picture is not None:
            check_target(picture)
    except (Contradiction, Unplottable) as error:
        raise click.UsageError(str(error)) from error
    if beside_window and not any(map(on_errors, spec.rollout.guards)):
        raise click.UsageError("--beside-window compares errors: expected a guard on errors, found none")
    report = _simulated(plan, about, workers=workers, beside_window=beside_window)
    click.echo(json.dumps(as_json(report), indent=2) if as_object else as_table(report))
    if picture is not None:
        plot(report, picture)
        click.echo(f"wrote {picture}", err=True)


def _crowd(users: int | None, connections: int | None, requests: float | None, activity: Activity) -> Crowd | None:
    if users is not None and connections is not None:
        raise click.UsageError("expected --users or --connections, found both")
    number = users or connections
    if number is not None:
        return Crowd(number, requests, activity, kept_alive=connections is not None)
    if requests is not None or activity != "equal":
        raise click.UsageError("--requests-per-user and --activity need --users or --connections")
    return None


def _read(source: str, name: str | None, number: int, seed: int) -> tuple[About, Spec]:
    value = the_one(source, text_of(source), name)
    found = problems(value)
    if found:
        more = f" (and {len(found) - 1} more: podium validate {source})" if len(found) > 1 else ""
        raise InputError(f"{source}: {found[0].field}: {found[0].message}{more}")
    manifest = ModelDeploymentManifest.model_validate(written(value))
    return About(str(manifest.metadata.get("name", "")), number, seed), manifest.spec


def _simulated(plan: Plan, about: About, *, workers: int, beside_window: bool) -> Report:
    """Both kinds of trials, with a word on standard error of how far they are."""
    told = click.progressbar(
        length=2 * about.trials,
        label="simulating trials",
        file=sys.stderr,
        show_pos=True,
        hidden=not sys.stderr.isatty(),
    )
    found: dict[Role, list[Outcome]] = {"good": [], "bad": []}
    with told as bar:
        for role, outcomes in found.items():
            for outcome in trials(plan, role, about.trials, seed=about.seed, workers=workers):
                outcomes.append(outcome)
                bar.update(1)
    window = windowed(plan.spec, plan.rate, *_errors(plan)) if beside_window else None
    return Report(plan, about, figures("good", found["good"]), figures("bad", found["bad"]), window)


def _errors(plan: Plan) -> tuple[float, float]:
    names = [guard.name for guard in plan.spec.rollout.guards if on_errors(guard)]
    return plan.assumed.good[names[0]], plan.assumed.bad[names[0]]


if __name__ == "__main__":
    simulate()
