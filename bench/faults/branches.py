"""Plays many cases of a rollout as a tree: a process plays on, and at each call another begins for each fault there.

So what comes before a fault is played once for all cases that share it. It halves the work, and what a case finds is
what it finds alone: the world has neither threads nor files, and its time is virtual.
"""

import asyncio
import gc
import os
import pickle
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from bench.faults.case import Reference, play, reference
from bench.faults.cases import Share
from bench.faults.kinds import Fault
from bench.faults.rollouts import BY_NAME
from bench.faults.schedule import Case, Schedule


@dataclass(frozen=True)
class Played:
    """A case, and what it broke."""

    case: str
    broken: str


class Branches(Schedule):
    """The schedule of a process that goes on without any further fault, and branches at each call for each fault."""

    def __init__(self, share: Share) -> None:
        super().__init__(Case(share.rollout))
        self.found: list[Played] = []
        self._share = share
        self._waiting: list[Case] = []  # of two faults, whose first has struck
        self._parent: int | None = None  # where a branch reports

    def report(self, broken: str) -> None:
        """End a branch: what it found, and what the branches of it found, goes to where it began."""
        if self._parent is None:
            return
        own = [Played(str(self.case), broken)] if self._share.plays(self.case) else []
        with os.fdopen(self._parent, "wb") as parent:
            pickle.dump([*own, *self.found], parent)
        os._exit(0)

    def fail(self) -> None:
        """End a branch that cannot be played: it must not go on as a second one of where it began."""
        if self._parent is not None:
            traceback.print_exc(file=sys.stderr)
            sys.stderr.flush()
            os._exit(1)

    def _struck(self, possible: tuple[Fault, ...]) -> Fault | None:
        """The fault that strikes now, in the branch for it; None in the process that goes on."""
        for case in self._due(possible):
            if self._begins(case):
                fault = case.faults[-1][1]
                self._lasting.append((self.now() + fault.lasts, fault))
                return fault
        return None

    def _due(self, possible: tuple[Fault, ...]) -> list[Case]:
        number = len(self.calls)
        if not self.case.faults:
            return list(self._share.begins(number, possible))
        due = [each for each in self._waiting if each.faults[-1][0] <= number and each.faults[-1][1] in possible]
        self._waiting = [each for each in self._waiting if each not in due]
        return due

    def _begins(self, case: Case) -> bool:
        """Begin a branch, and wait for it. True in the branch, False where it began."""
        loop = asyncio.get_running_loop()
        ours, its = os.pipe()
        if process := os.fork():
            os.close(its)
            self.found += _reported(ours, process, case)
            return False
        os.close(ours)
        asyncio._set_running_loop(loop)  # noqa: SLF001  asyncio holds that a loop runs in the process only that started it
        self.case, self.found, self._parent = case, [], its
        self._waiting = self._share.pairs_of(case) if len(case.faults) == 1 else []
        if not self._waiting:
            gc.disable()  # it ends within a second
        return True


def _reported(pipe: int, process: int, case: Case) -> list[Played]:
    with os.fdopen(pipe, "rb") as branch:
        told = branch.read()
    _, status = os.waitpid(process, 0)
    if status:
        raise RuntimeError(f"{case}: expected that its process ends with 0, found {os.waitstatus_to_exitcode(status)}")
    found: list[Played] = pickle.loads(told)
    return found


def played(share: Share, expected: Callable[[str], Reference] | None = None) -> list[Played]:
    """Play the cases of this share. Raises RuntimeError where one of them cannot be played to its end."""
    known = (expected or without_faults)(share.rollout)
    gc.collect()
    gc.freeze()  # what is here now is not written to by each branch's collector
    branches = Branches(share)
    try:
        broken = play(branches, known)
    except BaseException:
        branches.fail()
        raise
    branches.report(broken)
    return branches.found


@cache
def without_faults(rollout: str) -> Reference:
    """The rollout without any fault, played once in each process."""
    return reference(BY_NAME[rollout])
