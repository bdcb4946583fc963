"""Plays seeds on all cores, prints what was broken, and one JSON object as the last line."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from bench.promises.scenario import play, quiet

TOGETHER = 20  # seeds that a process is given at once
EVERY = 500  # seeds between two lines of progress


def main() -> None:
    """Play the seeds, and print the violations; JSON on the last line."""
    options = argparse.ArgumentParser(prog="bench.promises", description=__doc__)
    options.add_argument("--seeds", type=int, default=10_000)
    options.add_argument("--first", type=int, default=0, help="the first seed")
    options.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    chosen = options.parse_args()
    violations, began = 0, time.monotonic()
    for number, broken in enumerate(_played(chosen.first, chosen.seeds, chosen.workers), start=1):
        violations += bool(broken)
        if broken:
            print(broken, flush=True)
        if number % EVERY == 0:
            print(f"{number} seeds, {violations} violations, {time.monotonic() - began:.0f} s", flush=True)
    print(json.dumps({"seeds": chosen.seeds, "violations": violations}))
    sys.exit(violations > 0)


def _played(first: int, seeds: int, workers: int) -> Iterator[str]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=quiet) as pool:
        yield from pool.map(play, range(first, first + seeds), chunksize=TOGETHER)


if __name__ == "__main__":
    main()
