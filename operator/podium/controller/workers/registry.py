"""The registry, queried in the background: it can never delay a rollback.

Each ModelDeployment has a session: a task that keeps the newest answer to its present request, and carries out the
pending writes, one after another. A reconcile only reads the newest answer and enqueues its writes. What only has to
hear of a change of its model asks nothing by itself: a poller asks for all of them (`registry_poll`).

The rules:

1. An answer belongs to exactly one request. Another request empties the session until it has been answered.
2. Pending is what the newest decision says, and nothing older: an alias is never moved for a reason that has gone.
3. When the answer changes, the ModelDeployment is reconciled.
4. An answer of what rests stands until the model's revision is another one, and no longer than `_STANDS`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.controller.logs import about
from podium.controller.priorities import RESTS
from podium.controller.queue import backoff
from podium.controller.settings import Settings
from podium.controller.waiting import news_or
from podium.controller.workers.breakers import Breakers
from podium.controller.workers.claims import ReturnedClaims, same_alias
from podium.controller.workers.registry_logins import RegistryLogins
from podium.controller.workers.registry_poll import LAST_RETRY, Poller, Pollers
from podium.controller.workers.registry_request import (
    Account,
    RegistryRequest,
    answer_to,
    is_told_of_changes,
    request_of,
    uri_of,
)
from podium.controller.workers.registry_session import NOT_ASKED, Session
from podium.controller.workers.registry_turns import Turns
from podium.core.actions import ClaimAlias, MoveAlias, RegistryWrite, WriteRecord, WriteTags
from podium.core.facts import Key, Problem, RegistryState
from podium.core.refusal import named
from podium.errors import PodiumError, Unavailable
from podium.ports import NO_MODEL, Clock, Cluster, ModelDeployment, Registry, RegistryQuery

_GRACE: Final = 60.0  # seconds for which a registry that answered may be down before that is told
_STANDS: Final = 3600.0  # seconds for which an answer of what rests stands at the most; at least half of it
_log = logging.getLogger(__name__)


class RegistryWorker:
    """All sessions."""

    def __init__(
        self,
        registry: Registry,
        cluster: Cluster,
        clock: Clock,
        settings: Settings,
        *,
        notify: Callable[[Key], None],
        leads: Callable[[], bool] = lambda: True,
        owner: Callable[[Key], str] = lambda _: "",
    ) -> None:
        """`leads` says at this very moment whether this process may write, `owner` how claims name one of its own."""
        self._registry = Breakers(registry, clock)
        self._logins = RegistryLogins(cluster, settings, registry.login_variables)
        self._clock = clock
        self._settings = settings
        self.default_uri = settings.registry_uri  # of ModelDeployments that name no registry
        self._notify = notify
        self._leads = leads
        self._sessions: dict[Key, Session] = {}
        self._turns = Turns()
        self._pollers = Pollers(self._poller)
        self._owner = owner
        self._returned = ReturnedClaims(self._registry, clock, login=self._logins.of, leads=leads)

    def latest(self, md: ModelDeployment) -> RegistryState:
        """What is known now about what this ModelDeployment wants to know. Never waits."""
        uri = uri_of(md, self.default_uri)
        if md.refusals:  # nothing is asked or written, whatever was about to be
            self.forget(md.key)
            return RegistryState(uri=uri, problem=Problem(reasons.NOT_PERMITTED, named(md.refusals)))
        request = request_of(md, self.default_uri)
        if request is None:
            return RegistryState()
        session = self._sessions.get(md.key)
        if session is None:
            session = self._sessions[md.key] = Session(md.key, request)
            work = self._attend(session, patient=_has_settled(md))
            session.task = asyncio.create_task(work, name=f"registry for {md.key}")
        if not same_alias(session.request, request):
            self._returned.give_back(session.request, self._owner(md.key))
        recently = self._clock.monotonic() - self._settings.registry_poll
        answer = session.ask(request, rests=_rests(session, md, request), not_before=recently)
        self._pollers.attend(session)
        return replace(answer, uri=uri)

    def standing(self, md: ModelDeployment) -> RegistryState | None:
        """The same of what rests by what may be old, which changes no request; None where it would have to.

        A write that is pending is none of a rest.
        """
        request, session = request_of(md, self.default_uri), self._sessions.get(md.key)
        if session is None or request is None or md.refusals:
            return self.latest(md)
        asked = request, _rests(session, md, request)
        if session.pending or (session.request, session.rests) != asked:
            return None
        return replace(session.answer, uri=uri_of(md, self.default_uri))

    def enqueue(self, key: Key, writes: Sequence[RegistryWrite]) -> None:
        """Enqueue all writes of the newest decision; they replace the earlier ones."""
        if session := self._sessions.get(key):
            session.enqueue(tuple(writes))

    def known(self) -> frozenset[Key]:
        """The ModelDeployments that have a session."""
        return frozenset(self._sessions)

    def gone(self, key: Key) -> None:
        """The ModelDeployment is gone: its alias is free for others."""
        if session := self._sessions.get(key):
            self._returned.give_back(session.request, self._owner(key))
        self.forget(key)

    def forget(self, key: Key) -> None:
        """End the session of a ModelDeployment that is gone, or may not ask any more."""
        session = self._sessions.pop(key, None)
        if session is None:
            return
        self._pollers.forget(session)
        if session.task is not None:
            session.task.cancel()

    async def close(self) -> None:
        """End all sessions, and wait until they have ended: a former leader must not move aliases."""
        tasks = [session.task for session in self._sessions.values() if session.task is not None]
        tasks += self._pollers.tasks
        for returned in (returning := list(self._returned.tasks)):
            returned.cancel()
        tasks += returning
        for key in tuple(self._sessions):
            self.forget(key)
        if tasks:
            await asyncio.wait(tasks)

    def _poller(self, account: Account) -> Poller:
        def unavailable(session: Session, error: Unavailable) -> None:
            problem = problem_of(error)
            known = session.answer.problem
            if known is None or known.reason != problem.reason:  # in other words it is no news
                self._keep(session, RegistryState(problem=problem))

        every, login = self._settings.registry_poll, self._logins.of
        return Poller(account, self._registry, self._clock, every, login=login, unavailable=unavailable)

    async def _attend(self, session: Session, *, patient: bool) -> None:
        """Ask and write until cancelled. One that is patient waits for its turn at first, or for news."""
        with about(session.key):
            pause = await (self._once_in_turn(session) if patient else self._once(session))
            while True:
                await news_or(self._clock, session.news, pause)
                pause = await self._once(session)

    async def _once_in_turn(self, session: Session) -> float:
        with self._turns.waited_for(session) as waits:
            if waits:
                await session.news.wait()
            return await self._once(session)

    async def _once(self, session: Session) -> float:
        """Write what is pending, and ask. Returns in how many seconds to do so again."""
        session.news.clear()
        session.left_to_poller = False
        try:
            well = await self._flush_and_query(session)
        except Exception:  # noqa: BLE001  a session must outlive whatever a registry's client throws
            _log.exception("%s: the registry client failed unexpectedly", session.key)
            well = False
        session.failures = 0 if well else session.failures + 1
        session.left_to_poller = session.stands
        return self._wait(session, well=well)

    def _wait(self, session: Session, *, well: bool) -> float:
        """Seconds until it asks again by itself."""
        poll = self._settings.registry_poll
        if session.lost.targets and well:
            return min(
                _STANDS if session.left_to_poller else poll, max(0.0, session.retry_at - self._clock.monotonic())
            )
        if session.left_to_poller:
            return max(poll, _STANDS * (1 - Random(str(session.key)).random() / 2))  # noqa: S311  not for secrets
        return poll if well else min(max(LAST_RETRY, poll), backoff(session.failures, LAST_RETRY))

    async def _flush_and_query(self, session: Session) -> bool:
        """Flush the pending writes, then query. Returns whether all went well."""
        began = self._clock.monotonic()
        request, writes = session.request, session.due(began)
        answer, problem = RegistryState(), None
        try:
            login = replace(await self._logins.of(request.account), tenant=session.key.namespace)
            query = replace(request.query, login=login)
            problem = await self._flush(query, writes)
            answer = answer_to(query, await self._look(session.key, query))
        except PodiumError as error:
            _log.warning("%s: registry query failed: %s", session.key, error)
            problem = problem_of(error)
        if session.request != request:
            return True  # the answer to an outdated query; the next one follows at once
        if problem is None:
            session.written(writes, answer, self._clock.monotonic())
        well = answer.problem is None and problem is None
        found = replace(answer, problem=answer.problem or problem or session.lost.problem)
        if self._keep(session, found, wrote=bool(writes)):
            session.asked_at = began
        return well

    def _keep(self, session: Session, found: RegistryState, *, wrote: bool = False) -> bool:
        """Keep what was found, and let the ModelDeployment hear of it. Returns False where it is kept from it."""
        if self._passing(session, found, wrote=wrote):
            return False
        changed, session.answer = found != session.answer, found
        if changed or wrote:
            self._notify(session.key)
        return True

    def _passing(self, session: Session, found: RegistryState, *, wrote: bool) -> bool:
        """Whether the registry is down for a moment only, and the last answer still stands: that is no news."""
        if found.problem is None or found.problem.reason not in NOT_ASKED:
            session.failing_since = None
            return False
        if session.failing_since is None:
            session.failing_since = self._clock.monotonic()
        return session.answered and not wrote and self._clock.monotonic() - session.failing_since < _GRACE

    async def _look(self, key: Key, query: RegistryQuery) -> RegistryState:
        """The answer. Where the desired version cannot be had, what is known of the champion beside the problem.

        Its alias and the records of decisions do not wait for what Git names next.
        """
        try:
            return await self._registry.query(query)
        except Unavailable:
            raise
        except PodiumError as error:
            _log.warning("%s: registry query failed: %s", key, error)
            if error.reason == reasons.MODEL_NOT_FOUND:
                return RegistryState(problem=problem_of(error), revision=NO_MODEL)
            known = await self._registry.query(replace(query, version=None, desired_alias=None))
            return replace(known, problem=problem_of(error))

    async def _flush(self, query: RegistryQuery, writes: tuple[RegistryWrite, ...]) -> Problem | None:
        """Write what is pending. A failure is logged, and does not hinder the query that follows."""
        problem = None
        for write in writes:
            if not self._leads():  # it was frozen, and another process may have decided otherwise since
                _log.warning("registry write left out, this process leads no longer (%s)", write.why)
                return Problem(reasons.REGISTRY_ERROR, "this process leads no longer")
            try:
                await self._write(query, write)
                _log.info("registry: %s", write.why)
            except PodiumError as error:
                _log.warning("registry write failed (%s): %s", write.why, error)
                # The tags say the same in short, so an artifact store that refuses the write is no problem.
                problem = problem if isinstance(write, WriteRecord) else problem_of(error)
        return problem

    async def _write(self, query: RegistryQuery, write: RegistryWrite) -> None:
        login, model = query.login, query.model
        match write:
            case ClaimAlias():
                await self._registry.claim_alias(login, model, write.alias, write.owner, write.replaces)
            case MoveAlias():
                await self._registry.move_alias(login, model, write.alias, write.version, write.owner)
            case WriteTags():
                await self._registry.write_tags(login, model, write.version, write.tags)
            case WriteRecord():
                await self._registry.write_record(login, model, write.version, write.path, write.text)


def _has_settled(md: ModelDeployment) -> bool:
    """Whether it waits for nothing that the registry could say: what Git names was found and decided before."""
    return md.status.phase in RESTS and md.status.observed_generation == md.generation and bool(md.status.champion)


def _rests(session: Session, md: ModelDeployment, request: RegistryRequest) -> bool:
    """Whether it only has to hear of a change of its model: a record that is lost each time is tried, not awaited."""
    return is_told_of_changes(md, request, record=not session.lost.told)


def problem_of(error: PodiumError) -> Problem:
    """An error of the registry as a fact."""
    default = reasons.REGISTRY_UNREACHABLE if isinstance(error, Unavailable) else reasons.REGISTRY_ERROR
    return Problem(error.reason or default, str(error))
