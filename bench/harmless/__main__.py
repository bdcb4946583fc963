"""Runs all trials: progress, a table, and one JSON object as the last line."""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from random import Random
from typing import Any

from bench.cluster import stage
from bench.harmless.trials import AFTER, KINDS, MODEL, Kind, Run, Trials, door
from bench.traffic.figures import told as told_of
from demo.stage import clear
from testbed import gateway

RATE = 100.0  # requests a second
QUIET_SECONDS = 10.0
Result = dict[str, Any]


def main() -> None:
    """Measure, and print a table; JSON on the last line."""
    options = argparse.ArgumentParser(prog="bench.harmless", description=__doc__)
    options.add_argument("--runs", type=int, default=20, help="of each kind")
    names = [kind.name for kind in KINDS]
    options.add_argument("--only", choices=names, nargs="+", default=names, help="these kinds of trial")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--gateway", action="store_true", help="users come through Envoy Gateway")
    options.add_argument("--no-retries", action="store_true", help="and it sends no request again")
    chosen = options.parse_args()
    began = time.monotonic()

    def clock() -> float:
        return time.monotonic() - began

    cluster, _ = stage.build(say, MODEL, heedless=1, obedient=1)
    if chosen.gateway:
        gateway.install(cluster)
    say(f"{clock():6.0f} s  the stage is set")
    through = door(behind_gateway=chosen.gateway, retries=not chosen.no_retries)
    trials = Trials(cluster, RATE, Random(chosen.seed), clock, through)
    kinds = [kind for kind in KINDS if kind.name in chosen.only]
    result = asyncio.run(measure(trials, kinds, chosen.runs))
    clear(cluster, say)
    print_table(result)
    print(json.dumps(result))


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


async def measure(trials: Trials, kinds: Sequence[Kind], runs: int) -> Result:
    """So many runs of each kind, beside a quiet one."""
    found: dict[str, list[Run]] = {}
    async with trials.traffic():
        quiet = await trials.quiet(QUIET_SECONDS)
        say(f"{trials.clock():6.0f} s  quiet: {len(quiet.failed)} failed, p99 {quiet.p99 * 1e3:.0f} ms")
        for kind in kinds:
            for number in range(runs):
                run = await trials.bad(kind)
                found.setdefault(kind.name, []).append(run)
                told = f"{len(run.failed)} failed, {run.saved} saved, p99 {run.p99 * 1e3:.0f} ms"
                say(f"{trials.clock():6.0f} s  {kind.name} {number + 1}: {told} {told_of(run.failed)}")
    return figures(quiet, found)


def figures(quiet: Run, found: dict[str, list[Run]]) -> Result:
    """The result of the last line. `p99_ratio` is the worst kind's, to what is required: `after` and two quiet p99s."""
    late = {name: statistics.median(run.p99 for run in runs) for name, runs in found.items()}
    return {
        "failed": {name: sum(len(run.failed) for run in runs) for name, runs in found.items()},
        "saved": {name: sum(run.saved for run in runs) for name, runs in found.items()},
        "runs": {name: len(runs) for name, runs in found.items()},
        "p99_ms": {"quiet": round(quiet.p99 * 1e3), **{name: round(p99 * 1e3) for name, p99 in late.items()}},
        "p99_ratio": round(max(late.values()) / (AFTER + 2 * quiet.p99), 3),
    }


def print_table(result: Result) -> None:
    """Print what was expected and what was found."""
    say(f"\n{'users who got a failure':38}{'expected':>10}{'found':>10}")
    for name, failed in result["failed"].items():
        say(f"{name:38}{0:>10}{failed:>10}  {'NOT REACHED' if failed else ''}")
    ratio = result["p99_ratio"]
    say(f"{'p99, to 500 ms and two quiet p99s':38}{'<= 1':>10}{ratio:>10}  {'NOT REACHED' if ratio > 1 else ''}")


if __name__ == "__main__":
    main()
