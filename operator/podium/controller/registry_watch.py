"""The registry, asked in the background: nothing that it does can stand before a rollback.

Each ModelDeployment has a desk: a task that keeps the newest answer to its present inquiry, and carries out what is
owed to the registry, one thing after another. A reconcile only reads what lies there and leaves word of what it wants.

The rules:

1. An answer belongs to exactly one inquiry. Another inquiry empties the desk until it has been answered.
2. What is owed is what the newest decision says, and nothing older: an alias is never moved for a reason that has gone.
3. When the answer changes, the ModelDeployment is looked at.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from podium.api import reasons
from podium.controller.logs import about
from podium.controller.queue import backoff
from podium.controller.settings import LOGIN_VARIABLES, Settings
from podium.controller.waiting import news_or
from podium.core.actions import Debt, MoveAlias, WriteRecord, WriteTags
from podium.core.facts import Key, Problem, RegistrySeen
from podium.core.gates import ASKING
from podium.core.record import unrecorded
from podium.errors import Missing, PodiumError, Unreachable
from podium.ports import Clock, Cluster, ModelDeploymentSeen, Question, Registry, RegistryLogin

_LAST_RETRY: Final = 30.0  # seconds between tries while the registry fails
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inquiry:
    """What one ModelDeployment wants to know, before its login has been read."""

    namespace: str
    uri: str | None
    secret_name: str | None
    question: Question  # its login is filled in for each look


def inquiry_of(seen: ModelDeploymentSeen) -> Inquiry | None:
    """The inquiry that spec and status make; None for a spec that cannot be read."""
    if seen.spec is None:
        return None
    spec, champion = seen.spec, seen.status.champion
    question = Question(
        login=RegistryLogin("", {}),
        model=spec.model.name,
        version=spec.model.version,
        wanted_alias=spec.model.alias,
        champion=champion.version if champion else None,
        champion_alias=spec.registry.aliases.champion,
        record=tuple(sorted(entry.version for entry in unrecorded(seen.status))),
        signatures=seen.status.phase in ASKING and any(gate.signature is not None for gate in spec.gates),
    )
    return Inquiry(seen.key.namespace, spec.registry.uri, spec.registry.secret_name, question)


class Desk:
    """The registry's answers for one ModelDeployment."""

    def __init__(self, key: Key, inquiry: Inquiry) -> None:
        self.key = key
        self.inquiry = inquiry
        self.answer = RegistrySeen()
        self.owed: tuple[Debt, ...] = ()
        self.news = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def ask(self, inquiry: Inquiry) -> RegistrySeen:
        """The answer to this inquiry, as far as there is one yet."""
        if inquiry != self.inquiry:
            self.inquiry, self.answer, self.owed = inquiry, RegistrySeen(), ()
            self.news.set()
        return self.answer

    def owe(self, debts: tuple[Debt, ...]) -> None:
        """Carry these out, and nothing else."""
        if debts != self.owed:
            self.owed = debts
            if debts:
                self.news.set()


class RegistryWatch:
    """All desks."""

    def __init__(
        self, registry: Registry, cluster: Cluster, clock: Clock, settings: Settings, *, notify: Callable[[Key], None]
    ) -> None:
        self._registry = registry
        self._cluster = cluster
        self._clock = clock
        self._settings = settings
        self._notify = notify
        self._desks: dict[Key, Desk] = {}

    def seen(self, seen: ModelDeploymentSeen) -> RegistrySeen:
        """What is known now about what this ModelDeployment wants to know. Never waits."""
        inquiry = inquiry_of(seen)
        if inquiry is None:
            return RegistrySeen()
        desk = self._desks.get(seen.key)
        if desk is None:
            desk = self._desks[seen.key] = Desk(seen.key, inquiry)
            desk.task = asyncio.create_task(self._attend(desk), name=f"registry for {seen.key}")
        return desk.ask(inquiry)

    def owe(self, key: Key, debts: Sequence[Debt]) -> None:
        """Leave word of all that the newest decision owes to the registry."""
        if desk := self._desks.get(key):
            desk.owe(tuple(debts))

    def known(self) -> frozenset[Key]:
        return frozenset(self._desks)

    def forget(self, key: Key) -> None:
        """End the desk of a ModelDeployment that is gone."""
        desk = self._desks.pop(key, None)
        if desk is not None and desk.task is not None:
            desk.task.cancel()

    async def close(self) -> None:
        """End all desks, and wait until they have ended: a former leader must not move aliases."""
        tasks = [desk.task for desk in self._desks.values() if desk.task is not None]
        for key in tuple(self._desks):
            self.forget(key)
        if tasks:
            await asyncio.wait(tasks)

    async def _attend(self, desk: Desk) -> None:
        failures = 0
        with about(desk.key):
            while True:
                desk.news.clear()
                try:
                    well = await self._serve(desk)
                except Exception:  # noqa: BLE001  a desk must outlive whatever a registry's client throws
                    _log.exception("%s: the registry's client failed in a way nobody foresaw", desk.key)
                    well = False
                failures = 0 if well else failures + 1
                wait = self._settings.registry_poll if well else min(self._longest(), backoff(failures, _LAST_RETRY))
                await news_or(self._clock, desk.news, wait)

    def _longest(self) -> float:
        return max(_LAST_RETRY, self._settings.registry_poll)

    async def _serve(self, desk: Desk) -> bool:
        """Carry out what is owed, then look. Returns whether all went well."""
        inquiry, debts = desk.inquiry, desk.owed
        answer, problem = RegistrySeen(), None
        try:
            question = await self._question(inquiry)
            problem = await self._pay(question, debts)
            answer = await self._registry.look(question)
        except PodiumError as error:
            _log.warning("%s: the registry does not tell: %s", desk.key, error)
            problem = problem_of(error)
        if desk.inquiry != inquiry:
            return True  # the answer to a question that nobody asks any more; the next one is asked at once
        found = replace(answer, problem=answer.problem or problem)
        changed, desk.answer = found != desk.answer, found
        if desk.owed == debts and problem is None:
            desk.owed = ()
        if changed or debts:
            self._notify(desk.key)
        return found.problem is None

    async def _pay(self, question: Question, debts: tuple[Debt, ...]) -> Problem | None:
        """Write what is owed. What fails is said, and does not hinder the look that follows."""
        problem = None
        for debt in debts:
            try:
                await self._write(question, debt)
                _log.info("registry: %s", debt.why)
            except PodiumError as error:
                _log.warning("registry: not done (%s): %s", debt.why, error)
                # The tags say the same in short: a store of artifacts that refuses is nobody's problem.
                problem = problem if isinstance(debt, WriteRecord) else problem_of(error)
        return problem

    async def _write(self, question: Question, debt: Debt) -> None:
        login, model = question.login, question.model
        match debt:
            case MoveAlias():
                await self._registry.move_alias(login, model, debt.alias, debt.version)
            case WriteTags():
                await self._registry.write_tags(login, model, debt.version, debt.tags)
            case WriteRecord():
                await self._registry.write_record(login, model, debt.version, debt.path, debt.text)

    async def _question(self, inquiry: Inquiry) -> Question:
        uri = inquiry.uri or self._settings.registry_uri
        if not uri:
            raise Missing(
                "no registry is named: set spec.registry.uri, or PODIUM_REGISTRY_URI of the operator",
                reason=reasons.REGISTRY_ERROR,
            )
        variables = await self._login(inquiry)
        return replace(inquiry.question, login=RegistryLogin(uri, variables))

    async def _login(self, inquiry: Inquiry) -> Mapping[str, str]:
        if inquiry.secret_name is None:
            # The operator's own login is for the operator's own registry: a ModelDeployment may name any server.
            return self._settings.registry_login if inquiry.uri in {None, self._settings.registry_uri} else {}
        where = f"Secret {inquiry.namespace}/{inquiry.secret_name} (spec.registry.secretName)"
        try:
            found = await self._cluster.secret(inquiry.namespace, inquiry.secret_name)
        except Missing as error:
            raise Missing(f"{where} is not there: create it", reason=reasons.LOGIN_MISSING) from error
        kept = {name: found[name] for name in LOGIN_VARIABLES if found.get(name)}
        if not kept:
            raise Missing(f"{where} has none of {', '.join(LOGIN_VARIABLES)}", reason=reasons.LOGIN_MISSING)
        return kept


def problem_of(error: PodiumError) -> Problem:
    """An error of the registry as a fact."""
    default = reasons.REGISTRY_UNREACHABLE if isinstance(error, Unreachable) else reasons.REGISTRY_ERROR
    return Problem(error.reason or default, str(error))
