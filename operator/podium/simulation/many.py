"""A number of trials, on all cores. Each has a seed of its own, so what comes out does not depend on who ran it."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from podium.simulation.assumed import Role
from podium.simulation.trial import Outcome, Plan, run

TOGETHER = 4  # trials that a process is given at once


def trials(plan: Plan, role: Role, number: int, *, seed: int, workers: int = 0) -> Iterator[Outcome]:
    """So many trials of a version of this role, as they end. Without a number of `workers`: as many as cores."""
    count = min(workers or cores(), -(-number // TOGETHER))
    one = partial(_one, plan, role, seed)
    return map(one, range(number)) if count <= 1 else _shared(one, number, count)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shared(one: Callable[[int], Outcome], number: int, workers: int) -> Iterator[Outcome]:
    # A fresh interpreter each: a copy of this one would share what its threads hold.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, range(number), chunksize=TOGETHER)


def _one(plan: Plan, role: Role, seed: int, number: int) -> Outcome:
    return run(plan, role, f"{seed}/{role}/{number}")
