"""The registry, queried in the background: it can never delay a rollback.

Each ModelDeployment has a session: a task that keeps the newest answer to its present request, and carries out the
pending writes, one after another. A reconcile only reads the newest answer and enqueues its writes.

The rules:

1. An answer belongs to exactly one request. Another request empties the session until it has been answered.
2. Pending is what the newest decision says, and nothing older: an alias is never moved for a reason that has gone.
3. When the answer changes, the ModelDeployment is reconciled.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Pinned
from podium.controller.logs import about
from podium.controller.queue import backoff
from podium.controller.settings import Settings
from podium.controller.waiting import news_or
from podium.core.actions import MoveAlias, RegistryWrite, WriteRecord, WriteTags
from podium.core.facts import Key, Problem, RegistryState
from podium.core.gates import GATE_PHASES
from podium.core.status.record import unrecorded
from podium.errors import NotFound, PodiumError, Unavailable
from podium.ports import Clock, Cluster, ModelDeployment, Registry, RegistryLogin, RegistryQuery

_GRACE: Final = 60.0  # seconds for which a registry that answered may be down before that is told
_LAST_RETRY: Final = 30.0  # seconds between tries while the registry fails
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RegistryRequest:
    """What one ModelDeployment wants to know, before its login has been read."""

    namespace: str
    uri: str | None
    secret_name: str | None
    query: RegistryQuery  # its login is filled in for each query


def request_of(md: ModelDeployment, default_uri: str = "") -> RegistryRequest | None:
    """The request that spec and status make; None for a spec that cannot be read."""
    if md.spec is None:
        return None
    spec, uri = md.spec, uri_of(md, default_uri)
    champion = md.status.champion
    elsewhere = champion is not None and not champion.matches(uri, champion.model)
    if champion is not None and elsewhere and not _compared(md, champion):
        champion = None  # this registry can say something of another one's only where it has the same bytes
    query = RegistryQuery(
        login=RegistryLogin("", {}),
        model=spec.model.name,
        version=spec.model.version,
        desired_alias=spec.model.alias,
        champion=champion.version if champion else None,
        champion_alias=spec.registry.aliases.champion,
        champion_model=champion.model if champion else "",
        champion_digest=champion.digest if champion and elsewhere else "",
        record=tuple(sorted(entry.version for entry in unrecorded(md.status) if entry.matches(uri, spec.model.name))),
        signatures=md.status.phase in GATE_PHASES and any(gate.signature is not None for gate in spec.gates),
    )
    return RegistryRequest(md.key.namespace, spec.registry.uri, spec.registry.secret_name, query)


def _compared(md: ModelDeployment, champion: Pinned) -> bool:
    """Whether gates may compare with a champion that was pinned from another registry: with the same model's."""
    return md.status.phase in GATE_PHASES and md.spec is not None and champion.of_model(md.spec.model.name)


def uri_of(md: ModelDeployment, default_uri: str) -> str:
    """The registry that is asked."""
    return (md.spec.registry.uri if md.spec else None) or default_uri


class Session:
    """The registry's answers for one ModelDeployment."""

    def __init__(self, key: Key, request: RegistryRequest) -> None:
        self.key = key
        self.request = request
        self.answer = RegistryState()
        self.failing_since: float | None = None
        self.pending: tuple[RegistryWrite, ...] = ()
        self.news = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def ask(self, request: RegistryRequest) -> RegistryState:
        """The answer to this request, as far as there is one yet."""
        if request != self.request:
            self.request, self.answer, self.pending = request, RegistryState(), ()
            self.news.set()
        return self.answer

    def enqueue(self, writes: tuple[RegistryWrite, ...]) -> None:
        """Carry these out, and nothing else."""
        if writes != self.pending:
            self.pending = writes
            if writes:
                self.news.set()


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
    ) -> None:
        """`leads` says at this very moment whether this process may write."""
        self._registry = registry
        self._cluster = cluster
        self._clock = clock
        self._settings = settings
        self.default_uri = settings.registry_uri  # of ModelDeployments that name no registry
        self._notify = notify
        self._leads = leads
        self._sessions: dict[Key, Session] = {}

    def latest(self, md: ModelDeployment) -> RegistryState:
        """What is known now about what this ModelDeployment wants to know. Never waits."""
        uri = uri_of(md, self.default_uri)
        request = request_of(md, self.default_uri)
        if request is None:
            return RegistryState()
        session = self._sessions.get(md.key)
        if session is None:
            session = self._sessions[md.key] = Session(md.key, request)
            session.task = asyncio.create_task(self._attend(session), name=f"registry for {md.key}")
        return replace(session.ask(request), uri=uri)

    def enqueue(self, key: Key, writes: Sequence[RegistryWrite]) -> None:
        """Enqueue all writes of the newest decision; they replace the earlier ones."""
        if session := self._sessions.get(key):
            session.enqueue(tuple(writes))

    def known(self) -> frozenset[Key]:
        """The ModelDeployments that have a session."""
        return frozenset(self._sessions)

    def forget(self, key: Key) -> None:
        """End the session of a ModelDeployment that is gone."""
        session = self._sessions.pop(key, None)
        if session is not None and session.task is not None:
            session.task.cancel()

    async def close(self) -> None:
        """End all sessions, and wait until they have ended: a former leader must not move aliases."""
        tasks = [session.task for session in self._sessions.values() if session.task is not None]
        for key in tuple(self._sessions):
            self.forget(key)
        if tasks:
            await asyncio.wait(tasks)

    async def _attend(self, session: Session) -> None:
        failures = 0
        with about(session.key):
            while True:
                session.news.clear()
                try:
                    well = await self._flush_and_query(session)
                except Exception:  # noqa: BLE001  a session must outlive whatever a registry's client throws
                    _log.exception("%s: the registry client failed unexpectedly", session.key)
                    well = False
                failures = 0 if well else failures + 1
                wait = self._settings.registry_poll if well else min(self._longest(), backoff(failures, _LAST_RETRY))
                await news_or(self._clock, session.news, wait)

    def _longest(self) -> float:
        return max(_LAST_RETRY, self._settings.registry_poll)

    async def _flush_and_query(self, session: Session) -> bool:
        """Flush the pending writes, then query. Returns whether all went well."""
        request, writes = session.request, session.pending
        answer, problem = RegistryState(), None
        try:
            query = await self._query(request)
            problem = await self._flush(query, writes)
            answer = await self._look(session.key, query)
        except PodiumError as error:
            _log.warning("%s: registry query failed: %s", session.key, error)
            problem = problem_of(error)
        if session.request != request:
            return True  # the answer to an outdated query; the next one follows at once
        found = replace(answer, problem=answer.problem or problem)
        if self._passing(session, found, writes):
            return False
        changed, session.answer = found != session.answer, found
        if session.pending == writes and problem is None:
            session.pending = ()
        if changed or writes:
            self._notify(session.key)
        return found.problem is None

    def _passing(self, session: Session, found: RegistryState, writes: tuple[RegistryWrite, ...]) -> bool:
        """Whether the registry is down for a moment only, and the last answer still stands: that is no news."""
        if found.problem is None or found.problem.reason != reasons.REGISTRY_UNREACHABLE:
            session.failing_since = None
            return False
        if session.failing_since is None:
            session.failing_since = self._clock.monotonic()
        answered = session.answer.desired is not None and session.answer.problem is None
        return answered and not writes and self._clock.monotonic() - session.failing_since < _GRACE

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
            case MoveAlias():
                await self._registry.move_alias(login, model, write.alias, write.version)
            case WriteTags():
                await self._registry.write_tags(login, model, write.version, write.tags)
            case WriteRecord():
                await self._registry.write_record(login, model, write.version, write.path, write.text)

    async def _query(self, request: RegistryRequest) -> RegistryQuery:
        uri = request.uri or self._settings.registry_uri
        if not uri:
            raise NotFound(
                "no registry configured: set spec.registry.uri, or PODIUM_REGISTRY_URI of the operator",
                reason=reasons.REGISTRY_ERROR,
            )
        variables = await self._login(request)
        return replace(request.query, login=RegistryLogin(uri, variables))

    async def _login(self, request: RegistryRequest) -> Mapping[str, str]:
        if request.secret_name is None:
            # The operator's own login is for the operator's own registry: a ModelDeployment may name any server.
            return self._settings.registry_login if request.uri in {None, self._settings.registry_uri} else {}
        where = f"Secret {request.namespace}/{request.secret_name} (spec.registry.secretName)"
        try:
            found = await self._cluster.secret(request.namespace, request.secret_name)
        except NotFound as error:
            raise NotFound(f"{where} not found: create it", reason=reasons.LOGIN_MISSING) from error
        names = self._registry.login_variables
        kept = {name: found[name] for name in names if found.get(name)}
        if not kept:
            raise NotFound(f"{where} has none of the keys {', '.join(names)}: add them", reason=reasons.LOGIN_MISSING)
        return kept


def problem_of(error: PodiumError) -> Problem:
    """An error of the registry as a fact."""
    default = reasons.REGISTRY_UNREACHABLE if isinstance(error, Unavailable) else reasons.REGISTRY_ERROR
    return Problem(error.reason or default, str(error))
