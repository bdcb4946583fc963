"""Leader election by a Lease: one process works, others stand by.

The rules, as client-go has them, with shorter times:

1. A standby never compares clocks across machines. It watches the Lease *change*, on its own monotonic clock, and may
   take it once it has not changed for as long as the holder claimed.
2. A leader that has not renewed for `deadline` seconds, counted from the *start* of its last good write, stops working.
   The deadline is shorter than the claim, so that it has stopped before another process can begin.
3. Every write names the version of the Lease that it replaces: of two takers, one wins.
4. A clean exit releases the Lease; the next one has it within a poll.

    claim    |<--------------- 8 s --------------->|  others may take it
    renewals |  2 s  |  2 s  | deadline 5 s: stop   |

kubernetes.aio's own election trusts wall clocks and never releases.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from podium.errors import Conflict, PodiumError
from podium.ports import Clock, LeaseState

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_RELEASE: Final = 1.0  # seconds that a released Lease claims, and that releasing it may take


@dataclass(frozen=True)
class Times:
    """In seconds."""

    claim: float = 8.0  # how long a Lease that is not renewed keeps others out
    renew: float = 2.0
    deadline: float = 5.0  # a leader that could not renew for so long stops
    poll: float = 0.4  # how often a standby looks


class OneLease(Protocol):
    """The Lease that a candidate is after."""

    async def read(self) -> LeaseState | None: ...
    async def write(self, held: LeaseState | None, holder: str, seconds: float) -> LeaseState: ...


class Peers(Protocol):
    """What a candidate does for the sake of others that hold other Leases."""

    async def may_take(self) -> bool:
        """Whether it may take the Lease, which is free."""

    def gives_up(self, held: LeaseState) -> bool:
        """Whether it ends its work and releases the Lease, which it has just renewed."""


class _NoPeers:
    """There is one Lease only."""

    async def may_take(self) -> bool:
        return True

    def gives_up(self, held: LeaseState) -> bool:
        del held
        return False


class Election:
    """One candidate."""

    def __init__(
        self,
        store: OneLease,
        clock: Clock,
        identity: str,
        *,
        times: Times,
        told: Callable[[bool], None],
        peers: Peers | None = None,
    ) -> None:
        self._peers = peers or _NoPeers()
        self._store = store
        self._clock = clock
        self._identity = identity
        self._times = times
        self._told = told  # hears whether this process leads, at each change
        self._tenure: _Tenure | None = None

    async def run(self, lead: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Lead whenever possible, until cancelled. `lead` is cancelled when leadership is lost."""
        while True:
            held, since = await self._win()
            _log.info("%s leads now", self._identity)
            self._told(True)
            try:
                held = await self._lead(lead, held, since)
            finally:
                self._told(False)

    def leads(self) -> bool:
        """Whether the Lease is ours at this very moment, after a freeze too: by the clock, without a wait."""
        return self._tenure is not None and not self._tenure.lost and self._left(self._tenure) > 0

    async def _win(self) -> tuple[LeaseState, float]:
        """Stand by until the Lease is ours. Returns it, and when the write that won it began."""
        watched, unchanged_since = None, self._clock.monotonic()
        while True:
            began = self._clock.monotonic()
            try:
                found = await self._within(self._times.renew, self._store.read())
                if watched is None or found is None or found.version != watched.version:
                    watched, unchanged_since = found, self._clock.monotonic()
                if self._free(found, unchanged_since) and await self._within(self._times.renew, self._peers.may_take()):
                    began = self._clock.monotonic()
                    write = self._store.write(found, self._identity, self._times.claim)
                    return await self._within(self._times.renew, write), began
            except Conflict:
                _log.debug("another candidate was faster")
            except (PodiumError, TimeoutError) as error:
                _log.warning("could not acquire the Lease, retrying: %s", error or type(error).__name__)
            await self._clock.sleep(self._times.poll)

    def _free(self, found: LeaseState | None, unchanged_since: float) -> bool:
        if found is None or found.holder in {"", self._identity}:
            return True
        return self._clock.monotonic() - unchanged_since > found.seconds

    async def _lead(self, lead: Callable[[], Coroutine[Any, Any, None]], held: LeaseState, since: float) -> LeaseState:
        """Work and renew, until one of them ends. Releases the Lease unless another process holds it."""
        tenure = self._tenure = _Tenure(held, since)
        work = asyncio.create_task(lead(), name="leader's work")
        renewal = asyncio.create_task(self._renew(tenure), name="renewal of the Lease")
        try:
            await asyncio.wait({work, renewal}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # The work has ended before the Lease is given back: there is never a moment with two at work.
            await _end(renewal)
            await _end(work)
            self._tenure = None
            if not tenure.lost:
                await self._release(tenure.held)
        if not work.cancelled() and (failure := work.exception()) is not None:
            _log.error("the leader's work failed, back to standby", exc_info=failure)
            await self._clock.sleep(self._times.renew)
        return tenure.held

    async def _renew(self, tenure: "_Tenure") -> None:
        """Renew until the Lease is lost, or is given up for another."""
        pause = self._times.renew
        while True:
            await self._clock.sleep(min(pause, self._left(tenure)))
            if self._left(tenure) <= 0:
                break
            began = self._clock.monotonic()
            try:
                await self._within(self._left(tenure), self._write(tenure, began))
                pause = self._times.renew
            except (PodiumError, TimeoutError) as error:
                _log.warning("could not renew the Lease, retrying: %s", error or type(error).__name__)
                pause = self._times.poll
            if tenure.lost:
                _log.error("%s no longer leads: %s took the Lease", self._identity, tenure.held.holder or "no process")
                return
            if self._peers.gives_up(tenure.held):
                return
        tenure.lost = True
        _log.error("%s no longer leads: no renewal in %.0f s", self._identity, self._times.deadline)

    async def _write(self, tenure: "_Tenure", began: float) -> None:
        try:
            tenure.held = await self._store.write(tenure.held, self._identity, self._times.claim)
        except Conflict:
            # Our own write that was given up too early may have arrived: then the Lease is still ours.
            found = await self._store.read()
            tenure.lost = found is None or found.holder != self._identity
            tenure.held = found or tenure.held
            return
        tenure.since = began

    def _left(self, tenure: "_Tenure") -> float:
        return self._times.deadline - (self._clock.monotonic() - tenure.since)

    async def _release(self, held: LeaseState) -> None:
        try:
            await self._within(_RELEASE, self._store.write(held, "", _RELEASE))
            _log.info("%s released the Lease", self._identity)
        except (PodiumError, TimeoutError) as error:
            _log.warning("could not release the Lease, it will expire: %s", error or type(error).__name__)

    async def _within(self, seconds: float, doing: Awaitable[_T]) -> _T:
        """Await, but on our own clock for so many seconds only. Raises TimeoutError."""
        task, timer = asyncio.ensure_future(doing), asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise TimeoutError(f"no answer within {seconds:.1f} s")
        finally:
            task.cancel()
            timer.cancel()


@dataclass
class _Tenure:
    """Where one leadership stands."""

    held: LeaseState
    since: float  # when the last good write began
    lost: bool = False


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})
