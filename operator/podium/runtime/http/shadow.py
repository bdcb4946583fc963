"""A shadow step in the champion's pod: users' requests are copied to the challenger, and the two answers are compared.

A user's request is chosen as it comes and answered as any other. Only when its user has been answered, and its end is
known, is a copy put into a bounded queue, from which a few senders take it when no user waits for the model. A copy
that finds no room is dropped, and so is one that the challenger did not try: no pair comes of it. No content is logged.

A copy is tried later than the request was. So before it counts against the challenger, the champion is asked once more:
where what both depend on has failed or changed in between, that is no difference of theirs.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import quote

from prometheus_client.core import Metric

from podium.runtime.exchange import Reply, Request, Response, Sample
from podium.runtime.faults import Fault, Outcome
from podium.runtime.http.client import Answer, Client, Unanswered, Unreachable
from podium.runtime.http.pairs import Again, Half, Pairs, disagree
from podium.runtime.http.shared import Spare
from podium.runtime.http.tally import BAD
from podium.runtime.identity import Identity, header_value
from podium.runtime.other_slot import NUMBER, OtherSlot
from podium.runtime.shadow import DIGEST, FROM, OUTCOME, Order, Orders

log = logging.getLogger(__name__)

SENDERS = 4  # copies that are on their way at once, and so connections
WAITING = 64  # copies
BUSY_SECONDS = 0.005  # until a sender looks again whether users wait for the model
# A copy has so long, and so many times as long as the champion took, up to what any request has: what takes longer
# hangs. A challenger that is there says so itself, at that time; one that says nothing is no evidence: its node may be
# gone.
LEAST_SECONDS, TIMES_AS_LONG = 5.0, 20.0
SPARE_SECONDS = 3.0  # beyond that, for the copy to wait until the challenger is free, and for the answer's way back
AGAIN_SECONDS = 1.0  # for the champion to be free, to be asked again: later, it may say nothing of that moment either
ANSWERS_BYTES = 1024 * 1024  # of all answers that arrive
# For how long no copy is sent, in seconds
UNREACHABLE_SECONDS = 0.2  # after one that could not be
REFUSED_SECONDS = 0.05  # after one for which the challenger had no room: its users come first
UNKNOWING_SECONDS = 60.0  # after one that an older server took for a user's request
_SENT = frozenset({b"content-type", b"inference-header-content-length"})  # what says how a body is read
_BAD = BAD | {Outcome.CLIENT_ERROR}  # the champion has answered the very request: its client is not at fault


class Chosen:
    """A user's request that is copied once its user has been answered and its end is known, in whatever order."""

    def __init__(self, shadow: "Shadow", request: Request, order: Order, again: Again) -> None:
        self._shadow, self._request, self._order, self._again = shadow, request, order, again
        self._replied = self._ended = False
        self._fault: Fault | None = None
        self._seconds = 0.0

    def after(self, reply: Reply) -> Reply:
        """Return what replies, and then lets the copy go."""

        def replied(answer: Response) -> None:
            reply(answer)
            self._replied = True
            self._go()

        return replied

    def ended(self, fault: Fault | None, seconds: float) -> None:
        """Say how it ended here, and after which time."""
        self._fault, self._seconds, self._ended = fault, seconds, True
        self._go()

    def _go(self) -> None:
        if not self._replied or not self._ended:
            return
        try:
            self._shadow.offer(self._order, self._request, self._fault, self._seconds, self._again)
        except Exception:  # its user has been answered, and is not to notice
            log.exception("a fault of the server itself, in copying request %s", self._request.id.decode())


class Shadow:
    """Sends copies for the version that serves here, and counts the pairs."""

    def __init__(
        self,
        other: OtherSlot,
        who: Identity,
        orders: Orders,
        spare: Spare,
        *,
        limit: float,
        busy: Callable[[], bool],
        sample: Callable[[], Sample],
    ) -> None:
        """`limit` is how many seconds a copy may take at most; `busy`, whether users wait for the model; `sample`
        makes what keeps a request's predictions.
        """
        assert other.host is not None
        self._number = b"%d" % other.number
        self._client = Client(other.host, other.port, ANSWERS_BYTES, silent_seconds=3600.0)
        self._who, self._orders, self._spare = who, orders, spare
        self._limit, self._busy, self._sample = limit, busy, sample
        self._pairs: Pairs | None = None
        self._waiting: deque[Half] = deque()
        self._senders: set[asyncio.Task[None]] = set()
        self._sending = 0
        self._paused_until = 0.0
        spare.drop = self._make_room

    def choose(self, request: Request, again: Again) -> Chosen | None:
        """Return what a user's request is copied by, by the share that is told now, or None.

        `again` asks the model here what the request asked, as a copy is asked.
        """
        order = self._follow()
        if order is None or random.random() >= order.share:  # noqa: S311  which ones are copied is no secret
            return None
        request.sample = self._sample()
        return Chosen(self, request, order, again)

    def _follow(self) -> Order | None:
        """Return the order that holds now. The counts of another challenger than its are gone."""
        order = self._orders.now
        if order is None or order.challenger == (self._who.version, self._who.digest):
            return None
        if self._pairs is None or self._pairs.challenger != order.challenger:
            self._pairs = Pairs(order.challenger)
            self._paused_until = 0.0
        return order

    def offer(self, order: Order, request: Request, fault: Fault | None, seconds: float, again: Again) -> None:
        """Take in a request that has been answered. One that says nothing of the champion is no half of a pair."""
        outcome = Outcome.OK if fault is None else fault.outcome
        if outcome is not Outcome.OK and outcome not in BAD:
            return
        sample = request.sample.text if request.sample is not None else None
        half = Half(
            order,
            self._path(request.path, order),
            [header for header in request.headers if header[0] in _SENT],
            request.body,
            outcome is Outcome.OK,
            sample,
            request.model_seconds,
            seconds,
            again,
        )
        if self._paused or len(self._waiting) >= WAITING or not self._spare.fits(half.size):
            self._drop(half)
            return
        self._spare.held += half.size
        self._waiting.append(half)
        if self._sending < SENDERS:
            self._sending += 1
            sender = asyncio.get_running_loop().create_task(self._send_waiting())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)

    def _path(self, path: str, order: Order) -> str:
        """A path that names the champion's version names the challenger's there."""
        mine, theirs = (f"/versions/{quote(version, safe='')}/" for version in (self._who.version, order.version))
        return path.replace(mine, theirs) if path.startswith("/v2/models/") else path

    @property
    def _paused(self) -> bool:
        return asyncio.get_running_loop().time() < self._paused_until

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + seconds)

    def _drop(self, half: Half) -> None:
        """Count a copy that becomes no pair, unless its challenger is not the one any more."""
        if self._pairs is not None and self._pairs.challenger == half.order.challenger:
            self._pairs.count_dropped()

    def _make_room(self, size: int) -> None:
        """Drop copies that wait until so many bytes are free, the last one first."""
        while size > 0 and self._waiting:
            half = self._waiting.pop()
            self._spare.held -= half.size
            size -= half.size
            self._drop(half)

    async def _send_waiting(self) -> None:
        try:
            while self._waiting:
                if self._busy() and self._orders.now is not None:
                    await asyncio.sleep(BUSY_SECONDS)
                else:
                    await self._send(self._waiting.popleft())
        finally:
            self._sending -= 1

    async def _send(self, half: Half) -> None:
        try:
            await self._sent(half)
        except Exception:
            log.exception("a fault of the server itself, in sending a copy")
            self._drop(half)
        finally:
            self._spare.held -= half.size

    async def _sent(self, half: Half) -> None:
        order = self._follow()
        if self._paused or order is None or order.challenger != half.order.challenger:
            self._drop(half)
            return
        seconds = self._seconds(half)
        headers = [
            (FROM, header_value(self._who.version)),
            (NUMBER, self._number),
            (b"x-request-timeout", b"%dms" % (seconds * 1000)),
            *half.headers,
        ]
        try:
            answer = await self._client.post(half.path, headers, half.body, seconds + SPARE_SECONDS)
        except Unreachable:
            self._pause(UNREACHABLE_SECONDS)
            self._drop(half)
            return
        except Unanswered:
            self._drop(half)
            return
        await self._paired(half, answer)

    def _seconds(self, half: Half) -> float:
        return min(self._limit, LEAST_SECONDS + TIMES_AS_LONG * half.seconds)

    async def _paired(self, half: Half, answer: Answer) -> None:
        said = dict(reversed(answer.headers))  # the first of each name
        outcome, pairs = _outcome(said), self._pairs
        if FROM not in said:
            proxy = answer.status in {
                HTTPStatus.BAD_GATEWAY,
                HTTPStatus.SERVICE_UNAVAILABLE,
                HTTPStatus.GATEWAY_TIMEOUT,
            }
            self._pause(UNREACHABLE_SECONDS if proxy else UNKNOWING_SECONDS)
        elif outcome is Outcome.OVERLOAD:
            self._pause(REFUSED_SECONDS)
        tried = outcome is Outcome.OK or outcome in _BAD
        if FROM not in said or not tried or not _is_by(half.order, said):
            self._drop(half)
        elif pairs is not None and pairs.challenger == half.order.challenger:
            now: Half | None = half
            if half.good and (outcome in BAD or (outcome is Outcome.OK and disagree(half, answer.body))):
                now = await self._now(half)
            if now is None:
                self._drop(half)
                return
            pairs.count(champion=now.good, challenger=outcome is Outcome.OK)
            if now.good and outcome is Outcome.OK:
                pairs.compare(now, answer.body)

    async def _now(self, half: Half) -> Half | None:
        """What the champion makes of the request now, when no user waits; None where it could not be asked."""
        loop = asyncio.get_running_loop()
        until = loop.time() + AGAIN_SECONDS
        while self._orders.now is not None and loop.time() < until:
            outcome: Outcome | None = None
            if not self._busy():
                said, sample = await half.again(self._seconds(half))
                outcome = _outcome({OUTCOME: said})
            if outcome is Outcome.OK:
                return replace(half, sample=sample)
            if outcome in BAD:
                return replace(half, good=False, sample=None)
            await asyncio.sleep(BUSY_SECONDS)
        return None

    def collect(self) -> Iterator[Metric]:
        """Yield the counts of the pairs with the present challenger: prometheus_client's protocol."""
        self._follow()
        if self._pairs is not None:
            yield from self._pairs.collect()

    def close(self) -> None:
        """End what is sent, and the connections."""
        self._make_room(self._spare.held)
        for sender in self._senders:
            sender.cancel()
        self._client.close()


def _outcome(said: dict[bytes, bytes]) -> Outcome | None:
    try:
        return Outcome(said.get(OUTCOME, b"").decode("latin-1"))
    except ValueError:
        return None


def _is_by(order: Order, said: dict[bytes, bytes]) -> bool:
    who = header_value(order.version), header_value(order.digest)
    return (said.get(b"x-podium-version"), said.get(DIGEST)) == who
