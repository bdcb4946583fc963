"""Runs all trials: progress, a table, and one JSON object as the last line."""

import argparse
import asyncio
import json
import time
from random import Random
from typing import Any

from bench.cluster import stage
from bench.rollback.summary import Figures
from bench.rollback.trials import HEALTHY, KINDS, MODEL, Kind, Trials
from demo.stage import clear

RATE = 100.0  # requests a second
HEALTHY_TIMES = 4  # healthy trials for each one of another kind

Result = dict[str, Any]


def main() -> None:
    """Measure, and print a table; JSON on the last line."""
    options = argparse.ArgumentParser(prog="bench.rollback", description=__doc__)
    options.add_argument(
        "--runs", type=int, default=10, help=f"of each kind; {HEALTHY_TIMES} times as many healthy ones"
    )
    options.add_argument("--only", choices=[kind.name for kind in (*KINDS, HEALTHY)], help="one kind of trial")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    began = time.monotonic()

    def clock() -> float:
        return time.monotonic() - began

    cluster, _ = stage.build(say, MODEL, heedless=1, obedient=1)
    say(f"{clock():6.0f} s  the stage is set")
    trials = Trials(cluster, RATE, Random(chosen.seed), clock)
    result = asyncio.run(measure(trials, chosen.runs, chosen.only))
    clear(cluster, say)
    print_table(result)
    print(json.dumps(result))


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


async def measure(trials: Trials, runs: int, only: str | None) -> Result:
    """Every kind of trial, or one; the keys of the result are the kinds' names."""
    result: Result = {}
    async with trials.traffic():
        for kind in KINDS:
            if only in {None, kind.name}:
                result[kind.name] = await bad(trials, kind, runs)
        if only in {None, HEALTHY.name}:
            result["healthy_rejected"] = await well(trials, runs * HEALTHY_TIMES)
    return result


async def bad(trials: Trials, kind: Kind, runs: int) -> Result:
    """Measure this many rollbacks of one kind."""
    found = []
    for number in range(runs):
        run = await trials.bad(kind)
        found.append(run)
        rose = ", ITS WEIGHT ROSE" if run.rose else ""
        say(f"{trials.clock():6.0f} s  {kind.name} {number + 1}: {run.seconds:.2f} s, {run.failed} failed{rose}")
    more = {"weight_rose": sum(run.rose for run in found)} if kind.may_rise else {}
    return Figures(found).as_json() | more


async def well(trials: Trials, runs: int) -> int:
    """How many of this many healthy trials are rejected."""
    rejected = 0
    for number in range(runs):
        lost = await trials.well()
        rejected += lost
        say(f"{trials.clock():6.0f} s  healthy {number + 1}: {'REJECTED' if lost else 'not rejected'}")
    return rejected


def print_table(result: Result) -> None:
    """Print what was expected and what was found."""
    say(f"\n{'from the first bad answer to the last answer':46}{'expected':>10}{'found':>10}")
    for kind in KINDS:
        if found := result.get(kind.name):
            _row(f"{kind.name}: seconds, median", kind.seconds, found["seconds_median"])
            _row(f"{kind.name}: seconds, worst", None, found["seconds_worst"])
            _row(f"{kind.name}: failed requests, median", kind.failed, found["failed_median"])
            if kind.may_rise:
                _row(f"{kind.name}: runs in which the weight rose", 0, found["weight_rose"])
    if "healthy_rejected" in result:
        _row("healthy, 0.2 % errors: rejected", 0, result["healthy_rejected"])


def _row(what: str, wanted: float | None, found: float) -> None:
    limit, missed = ("", False) if wanted is None else (f"<= {wanted:g}", found > wanted)
    say(f"{what:46}{limit:>10}{found:>10g}  {'NOT REACHED' if missed else ''}")


if __name__ == "__main__":
    main()
