"""Plays all cases on all cores, prints what was broken, and one JSON object as the last line."""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Final

from bench.faults.branches import Played, played, without_faults
from bench.faults.case import play
from bench.faults.cases import Share
from bench.faults.kinds import FAULTS
from bench.faults.rollouts import ROLLOUTS
from bench.faults.schedule import Case, Schedule
from bench.promises.scenario import quiet

_PARTS: Final = 6  # of a rollout: as many processes can play it at once
_SHOWN: Final = 12  # violations of a rollout that are printed with their logs


def main() -> None:
    """Play one case, or all of them; JSON on the last line."""
    options = argparse.ArgumentParser(prog="bench.faults", description=__doc__)
    options.add_argument("--case", default="", help="play only this case, and print its log")
    options.add_argument("--only", default="", help="only rollouts whose name contains this")
    options.add_argument("--singles", type=float, default=1.0, help="the share of cases with one fault that is played")
    options.add_argument("--pairs", type=float, default=0.3, help="the share of cases with two faults that is played")
    options.add_argument("--seed", type=int, default=0, help="another one draws other cases")
    options.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    chosen = options.parse_args()
    quiet()
    if chosen.case:
        sys.exit(_one(Case.parse(chosen.case)))
    names = [rollout.name for rollout in ROLLOUTS if chosen.only in rollout.name]
    drawn = (_PARTS, chosen.singles, chosen.pairs, chosen.seed)
    shares = [Share(name, part, *drawn) for name in names for part in range(_PARTS)]
    sys.exit(_all(shares, chosen.workers))


def _one(case: Case) -> bool:
    broken = play(Schedule(case), without_faults(case.rollout))
    print(broken or f"{case}: nothing was broken")
    return bool(broken)


def _all(shares: Sequence[Share], workers: int) -> bool:
    began, cases, kinds, violations = time.monotonic(), 0, Counter[str](), 0
    for share, done in _explored(shares, workers):
        broken = [each for each in done if each.broken]
        cases, violations = cases + len(done), violations + len(broken)
        kinds.update(fault.name for each in done for _, fault in Case.parse(each.case).faults)
        for each in broken[:_SHOWN]:
            print(f"{each.broken}\nplay it again: python -m bench.faults --case {each.case}\n", flush=True)
        told = f"{cases} cases, {violations} violations, {time.monotonic() - began:.0f} s"
        print(f"{share.rollout} {share.number + 1}/{share.parts}: {told}", flush=True)
    counted = {fault.name: kinds[fault.name] for fault in FAULTS}
    print(json.dumps({"cases": cases, "violations": violations, "kinds": counted}))
    return violations > 0


def _explored(shares: Sequence[Share], workers: int) -> Iterator[tuple[Share, list[Played]]]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=quiet) as pool:
        started = {pool.submit(played, share): share for share in shares}
        for done in as_completed(started):
            yield started[done], done.result()


if __name__ == "__main__":
    main()
