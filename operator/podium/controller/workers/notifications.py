"""Delivery of events, in the background: a receiver that is down delays no reconcile, and no other receiver.

The rules:

1. What is to be told is in the status (`status.outbox`), where the decision itself is. This worker only reads it.
2. Each Alert has the events of one ModelDeployment in order: the next one is not sent before it has the last one.
3. A delivery is repeated until the receiver has taken it, later each time, and not before the time that it asks for by
   Retry-After. After a day it is given up. An event that the receiver refuses for itself, again and again, is left out
   sooner: the next ones need not wait for it. The Alert says so.
4. How far each Alert has come goes into the status by the next reconcile. What was sent and is not written down yet is
   sent again by another operator, with the same id.
5. Each Provider has few deliveries at a time, and its own: one that is slow holds up no other. Nor do conditions, which
   take a read and a write for each Provider.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.alerting import told_by
from podium.api.v1alpha1.outbox import Delivery, Outbox, PendingEvent
from podium.api.v1alpha1.status import Phase
from podium.api.v1alpha1.values.base import format_time
from podium.controller.logs import about
from podium.controller.queue import backoff
from podium.controller.waiting import news_or
from podium.controller.workers.receivers import Granted, Receivers, provider_missing
from podium.core.facts import Key
from podium.core.status.outbox import settled
from podium.errors import NotFound, PodiumError, Temporary, Unavailable
from podium.ports import Alert, Alerting, Clock, Cluster, ModelDeployment, Notification, Notifier, Provider

GIVE_UP: Final = timedelta(hours=24)
REFUSALS: Final = 20  # of one event for itself: with the waits between them about half an hour
_LONGEST_WAIT: Final = 3600.0  # seconds that a receiver can ask for
LAST_RETRY: Final = 120.0  # seconds between tries
_FIRST_RETRY: Final = 1.0
_POLL: Final = 15.0  # seconds between two lists of Alerts and Providers
_TOGETHER: Final = 0.5  # seconds: what is decided together is looked up together
_SKEW: Final = timedelta(seconds=30)  # between the clocks of the API server, which dates an Alert, and of the operator
_AT_ONCE: Final = 4  # deliveries of a Provider
_RESTS: Final = frozenset({Phase.STABLE, Phase.REJECTED, Phase.ABORTED, Phase.BLOCKED})
_log = logging.getLogger(__name__)


@dataclass
class _Session:
    """The outbox of one ModelDeployment, and how far each Alert has come."""

    key: Key
    uid: str
    outbox: Outbox = field(default_factory=Outbox)
    rests: bool = False  # nothing is on trial
    seen_at: float = 0.0  # when its newest event was first seen, on the monotonic clock
    reached: dict[str, int] = field(default_factory=dict)  # by the Alert's UID
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def read(self, outbox: Outbox) -> None:
        self.outbox = outbox
        for each in outbox.delivered:
            self.reached[each.uid] = max(each.sequence, self.reached.get(each.uid, 0))

    def next(self, uid: str) -> PendingEvent | None:
        """The first event that the Alert has not passed."""
        reached = self.reached.get(uid, 0)
        return next((event for event in self.outbox.pending if event.sequence > reached), None)


class NotificationWorker:
    """All deliveries that are under way."""

    def __init__(
        self,
        alerting: Alerting,
        notifier: Notifier,
        cluster: Cluster,
        clock: Clock,
        *,
        notify: Callable[[Key], None],
        leads: Callable[[], bool] = lambda: True,
        policies: Granted = lambda _: None,
        mine: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`mine` says in which namespaces Alerts and Providers get conditions."""
        self._notifier = notifier
        self._clock = clock
        self._notify = notify
        self._leads = leads
        self._receivers = Receivers(alerting, cluster, clock, policies, mine)
        self._sessions: dict[Key, _Session] = {}
        self._news = asyncio.Event()
        self._turns: defaultdict[Key, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))
        self._asked_to_wait: dict[tuple[str, int], float] = {}  # until when, by UID and generation of the Provider

    def attends(self, key: Key) -> bool:
        """Whether anything is still to be told of it, as far as is known."""
        return key in self._sessions

    def latest(self, md: ModelDeployment) -> Mapping[str, Delivery] | None:
        """How far each Alert has come, by UID; None where nothing is pending or nothing is known yet. Never waits."""
        outbox, session = md.status.outbox, self._sessions.get(md.key)
        if not outbox.pending:
            if session is not None:
                self.forget(md.key)
            return None
        if session is None or session.uid != md.uid:
            self.forget(md.key)
            session = self._sessions[md.key] = _Session(md.key, md.uid)
        if session.outbox.sequence != outbox.sequence:
            session.seen_at = self._clock.monotonic()
            self._news.set()
        session.rests = md.status.phase in _RESTS
        session.read(outbox)
        return self._reached(session) if self._known_since(session) else None

    async def run(self) -> None:
        """Keep the lists of Alerts and Providers, and begin deliveries, until cancelled."""
        conditions = asyncio.create_task(self._receivers.keep_conditions(), name="conditions of Alerts and Providers")
        try:
            await self._keep_delivering()
        finally:
            conditions.cancel()

    async def _keep_delivering(self) -> None:
        failures = 0
        while True:
            self._news.clear()
            try:
                await self._receivers.list()
                self._begin()
                failures = 0
            except PodiumError as error:
                failures += 1
                _log.warning("could not list Alerts and Providers, retrying: %s", error)
            except Exception:  # noqa: BLE001  whatever a stored object made of it: others are still to be told
                failures += 1
                _log.exception("could not look after Alerts and Providers")
            if failures:
                await self._clock.sleep(max(_TOGETHER, backoff(failures, LAST_RETRY)))
            else:
                await news_or(self._clock, self._news, _POLL)
                await self._clock.sleep(_TOGETHER)

    def forget(self, key: Key) -> None:
        """Deliver nothing more of this one."""
        session = self._sessions.pop(key, None)
        for task in session.tasks.values() if session is not None else ():
            task.cancel()

    async def close(self) -> None:
        """Deliver nothing more, and wait until that is so."""
        tasks = [task for session in self._sessions.values() for task in session.tasks.values()]
        for key in tuple(self._sessions):
            self.forget(key)
        self._receivers.forget()
        if tasks:
            await asyncio.wait(tasks)

    def _reached(self, session: _Session) -> Mapping[str, Delivery]:
        return {
            alert.uid: Delivery(uid=alert.uid, alert=alert.key.name, sequence=session.reached.get(alert.uid, 0))
            for alert in self._receivers.served(session.key.namespace)
        }

    def _known_since(self, session: _Session) -> bool:
        """Whether the Alerts were listed after its newest event: all that want it are known."""
        listed = self._receivers.listed_at
        return listed is not None and listed >= session.seen_at

    def _begin(self) -> None:
        """Begin what is not under way."""
        for session in self._sessions.values():
            if not self._known_since(session):
                continue
            for alert in self._receivers.served(session.key.namespace):
                task = session.tasks.get(alert.uid)
                if session.next(alert.uid) is not None and (task is None or task.done()):
                    name = f"Alert {alert.key} about {session.key}"
                    session.tasks[alert.uid] = asyncio.create_task(self._attend(session, alert.uid), name=name)
            reached = self._reached(session)
            # Where no Alert is to be told, a trial's next reconcile is early enough; what rests has none soon.
            if (reached or session.rests) and settled(session.outbox, reached) != session.outbox:
                self._notify(session.key)

    async def _attend(self, session: _Session, uid: str) -> None:
        """Deliver what is pending to one Alert, in order. What is decided meanwhile is begun after the next list."""
        failures = refusals = 0
        with about(session.key):
            while self._known_since(session) and (event := session.next(uid)) is not None:
                alert = self._receivers.alert(uid)
                if alert is None:
                    return  # it is gone, and counts no more
                error = await self._once(session, alert, event)
                refusals = refusals + 1 if _of_the_event(error) else 0
                if error is None or self._given_up(session, event, alert, error, refusals):
                    failures = refusals = 0
                    session.reached[uid] = event.sequence
                    self._notify(session.key)
                else:
                    failures += 1
                    asked = error.retry_after if isinstance(error, Temporary) else 0.0
                    await self._clock.sleep(max(_FIRST_RETRY, backoff(failures, LAST_RETRY), asked))

    async def _once(self, session: _Session, alert: Alert, event: PendingEvent) -> Exception | None:
        """Deliver it, if the Alert wants it. Returns why it could not be."""
        provider = self._receivers.provider(alert)
        if not _tells(alert, provider, session.key, event):
            return None
        try:
            await self._deliver(session, alert, provider, event)
        except PodiumError as error:
            _log.warning("Alert %s: %s not delivered, retrying: %s", alert.key.name, event.type, error)
            failure: Exception | None = error
        except Exception as error:  # noqa: BLE001  a delivery must outlive whatever an answer makes a client throw
            _log.exception("Alert %s: %s not delivered, retrying", alert.key.name, event.type)
            failure = PodiumError(f"{type(error).__name__}: see the operator's log")
        else:
            _log.info("Alert %s: %s of version %s delivered", alert.key.name, event.type, event.version)
            failure = None
        if self._receivers.note(alert, failure):
            self._news.set()  # for its condition
        return failure

    async def _deliver(self, session: _Session, alert: Alert, provider: Provider | None, event: PendingEvent) -> None:
        if provider is None or provider.spec is None or alert.spec is None:
            missing = provider_missing(alert)
            raise NotFound(missing.message, reason=missing.reason)
        async with self._turns[provider.key]:
            target = await self._receivers.target(provider)
            if not self._leads():  # it was frozen, and another process may have told newer events since
                raise PodiumError("this process leads no longer")
            notification = Notification(
                type=provider.spec.type,
                address=target.address,
                event=event,
                key=session.key,
                uid=session.uid,
                timeout=provider.spec.timeout.total_seconds(),
                token=target.token,
                login=target.login,
                headers=target.headers,
                channel=provider.spec.channel,
                username=provider.spec.username,
                summary=alert.spec.summary,
                networks=target.networks,
                hosts=target.hosts,
            )
            await self._send(provider, notification)

    async def _send(self, provider: Provider, notification: Notification) -> None:
        """Send it, unless the receiver has asked to be left alone. Raises the errors of the port."""
        this = (provider.uid, provider.generation)
        if (left := self._asked_to_wait.get(this, 0.0) - self._clock.monotonic()) > 0:
            message = (
                f"Provider {provider.key.name} asked by Retry-After for a pause, and gets it: {left:.0f} s are left"
            )
            raise Unavailable(message, retry_after=left)
        self._asked_to_wait.pop(this, None)
        try:
            await self._notifier.send(notification)
        except Unavailable as error:
            if error.retry_after:
                asked = min(error.retry_after, _LONGEST_WAIT)
                self._asked_to_wait[this] = self._clock.monotonic() + asked
                raise Unavailable(str(error), reason=error.reason, retry_after=asked) from error
            raise

    def _given_up(self, session: _Session, event: PendingEvent, alert: Alert, error: Exception, refusals: int) -> bool:
        if refusals < REFUSALS and self._clock.now() - event.at < GIVE_UP:
            return False
        _log.error("Alert %s: %s of version %s given up: %s", alert.key.name, event.type, event.version, error)
        what = f"{event.type} of version {event.version} of {session.key.name}, decided {format_time(event.at)}"
        reason = reasons.EVENT_REFUSED if _of_the_event(error) else reasons.DELIVERY_FAILING
        self._receivers.leave_out(alert, reason, f"{what}, was not delivered and is left out: {error}")
        self._news.set()  # for its condition
        return True


def _of_the_event(error: Exception | None) -> bool:
    """Whether the receiver refused this very event, and may take others."""
    return isinstance(error, PodiumError) and error.reason == reasons.EVENT_REFUSED


def _tells(alert: Alert, provider: Provider | None, key: Key, event: PendingEvent) -> bool:
    """Whether the Alert tells of this event. One whose Provider is not there yet waits for it."""
    if alert.spec is None or alert.spec.suspend or event.at < alert.created - _SKEW:
        return False
    spec = provider.spec if provider is not None else None
    if spec is not None and (spec.suspend or not told_by(spec.type, event.type)):
        return False
    return alert.spec.wants(key.name, event.type, event.severity)
