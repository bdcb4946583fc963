"""What one ModelDeployment has heard of the registry, and what it still has to write there."""

import asyncio
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.controller.workers.registry_lost import Lost
from podium.controller.workers.registry_request import RegistryRequest
from podium.core.actions import RegistryWrite
from podium.core.facts import Key, RegistryState

# What a registry answered: it stands as long as the model's aliases and versions are what they were.
_ANSWERED: Final = frozenset(
    {reasons.MODEL_NOT_FOUND, reasons.VERSION_NOT_FOUND, reasons.ALIAS_NOT_FOUND, reasons.WRITE_NOT_KEPT}
)
# What says nothing of a model: the registry was not reached, or not asked yet.
NOT_ASKED: Final = frozenset({reasons.REGISTRY_UNREACHABLE, reasons.REGISTRY_QUEUED})
_OFTEN: Final = 9  # failures in a row after which asking is left to the poller, where it waits for a registry's return


class Session:
    """The registry's answers for one ModelDeployment."""

    def __init__(self, key: Key, request: RegistryRequest) -> None:
        self.key = key
        self.request = request
        self.answer = RegistryState()
        self.rests = False  # it only has to hear of a change of its model
        self.left_to_poller = False  # its task sleeps until the poller, or what it is asked next, wakes it
        self.asked_at = 0.0  # when the answer was asked for, on the monotonic clock
        self.failures = 0  # in a row
        self.failing_since: float | None = None
        self.pending: tuple[RegistryWrite, ...] = ()
        self.lost = Lost()
        self.retry_at = 0.0  # not before then what was lost is written again
        self.news = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def ask(self, request: RegistryRequest, *, rests: bool, not_before: float) -> RegistryState:
        """The answer to this request, as far as there is one yet.

        One that begins to need more than its model's changes goes by no answer that was asked for earlier than that.
        """
        wakes, self.rests = self.rests and not rests, rests
        if request != self.request or (wakes and self.asked_at < not_before):
            self.request, self.answer, self.pending = request, RegistryState(), ()
            self.news.set()
        else:
            self.request = request  # the same question; what is pinned meanwhile is part of none
            if wakes:
                self.news.set()
        return self.answer

    def enqueue(self, writes: tuple[RegistryWrite, ...]) -> None:
        """Carry these out, and nothing else."""
        if writes != self.pending:
            self.pending = writes
            if writes and not self.lost.are(writes):
                self.news.set()

    def due(self, now: float) -> tuple[RegistryWrite, ...]:
        """The pending writes, unless all were lost before and their time has not come."""
        return () if now < self.retry_at and self.lost.are(self.pending) else self.pending

    def written(self, writes: tuple[RegistryWrite, ...], answer: RegistryState, now: float) -> None:
        """These were carried out without an error, and this is what the registry said after that."""
        if writes:
            self.lost = self.lost.after(writes, answer)
            self.retry_at = now + self.lost.wait
            if self.pending == writes:
                self.pending = ()

    @property
    def answered(self) -> bool:
        """Whether the answer is one that the registry gave to what was asked."""
        problem = self.answer.problem
        return self.answer.revision is not None and (problem is None or problem.reason in _ANSWERED)

    @property
    def stands(self) -> bool:
        """Whether nothing has to be asked for it before the poller says so."""
        problem = self.answer.problem
        silent = problem is not None and problem.reason == reasons.REGISTRY_UNREACHABLE and self.failures >= _OFTEN
        kept = not self.pending or self.lost.told
        return self.rests and kept and (self.answered or silent)
