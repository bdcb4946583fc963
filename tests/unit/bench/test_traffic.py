"""What the figures of `make bench-traffic` mean, and what its clients do. The rollouts need the cluster."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bench.cluster import orders
from bench.cluster.subject import model_deployment
from bench.traffic import __main__ as bench
from bench.traffic import crowd, figures, rollbacks, shares
from bench.traffic.crowd import Packed
from bench.traffic.figures import EndState, Promotion, Rollback, Share
from bench.traffic.scene import QUICK, on_our_clock, spec
from demo.clients import Clients, parse_head
from demo.ledger import Answer, Ledger
from podium.api.v1alpha1.manifest import ModelDeploymentManifest
from testbed.waiting import wait_until


def ledger(*answers: tuple[float, str, int]) -> Ledger:
    """Answers as (time, version, status), each due a tenth of a second before."""
    return Ledger([Answer(at - 0.1, at, version, status) for at, version, status in answers])


# --- figures ----------------------------------------------------------------------------------------------------------


def test_p99_is_of_the_time_since_a_request_was_due() -> None:
    seen = Ledger([Answer(0, number / 100, "1", 200) for number in range(1, 101)])
    assert figures.p99(seen) == 0.99
    assert figures.p99(Ledger([Answer(1, 1.5, "1", 200)])) == 0.5


def test_nobody_knows_the_latency_of_no_answers() -> None:
    with pytest.raises(ValueError, match="found no answer"):
        figures.p99(Ledger())


def test_failures_that_a_bad_version_answered_itself_are_its_own_and_all_others_are_foreign() -> None:
    seen = ledger((1, "2", 500), (2, "1", 500), (3, "", 0), (4, "", 503), (5, "1", 200))
    assert [answer.at for answer in figures.foreign(seen, {"2"})] == [2, 3, 4]


def test_a_rollback_lasts_from_the_look_to_the_last_answer_of_any_kind() -> None:
    seen = ledger((0.5, "2", 200), (1, "2", 500), (1.5, "2", 500), (2.25, "2", 200), (3, "1", 200), (2.1, "", 503))
    assert figures.rollback(seen, "2", look=2) == Rollback(seconds=0.25, noticed=1, own=2, saved=0, foreign=1)


def test_what_the_champion_answered_in_its_place_is_no_failure_and_part_of_the_rollback() -> None:
    seen = ledger((1, "2", 200), (3, "1", 200))
    seen.add(Answer(1.4, 1.5, "1", 200, failed_by="2"))
    seen.add(Answer(2.4, 2.5, "1", 200, failed_by="2"))
    assert figures.rollback(seen, "2", look=2) == Rollback(seconds=0.5, noticed=0.5, own=0, saved=2, foreign=0)


def test_a_version_that_never_failed_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="none of its answers failed"):
        figures.rollback(ledger((1, "2", 200), (2, "1", 500)), "2", look=2)


def test_the_rollbacks_figures_are_the_median_the_worst_and_all_foreign_failures() -> None:
    found = figures.rollbacks([Rollback(0.1, 1, 9, 4, 0), Rollback(0.9, 2, 8, 5, 2), Rollback(0.2, 3, 7, 6, 1)])
    assert (found["rollback_ms_median"], found["rollback_ms_worst"]) == (200, 900)
    assert found["rollback_foreign_failures"] == 3


def test_the_promotions_ratio_is_of_their_median_to_the_quiet_runs() -> None:
    found = figures.promotions([Promotion(0, 0.02), Promotion(1, 0.03), Promotion(2, 0.5)], quiet=0.01)
    assert (found["p99_ratio"], found["promotion_failed"]) == (3, 3)


# Of 1000 answers at 5 %, at most 32 are the challenger's in 0.37 % of all counts, at most 33 in 0.59 %; at most 68 in
# 99.49 %, at most 69 in 99.65 %.
@pytest.mark.parametrize(("challenger", "outside"), [(0, True), (32, True), (33, False), (69, False), (70, True)])
def test_a_share_is_outside_the_exact_interval_of_99_percent(challenger: int, outside: bool) -> None:
    assert Share(weight=5, answers=1000, challenger=challenger).outside is outside


def test_a_share_counts_the_answers_of_its_time_only() -> None:
    seen = ledger((1, "2", 200), (2, "2", 200), (3, "1", 200), (4, "", 503), (5, "1", 500), (9, "2", 200))
    assert figures.share(seen, "2", 25, since=1.5, until=8) == Share(weight=25, answers=3, challenger=1)


END = EndState(wanted="7", champion="7", alias="7", weights={"a": 0, "b": 100}, slot="b", others=0)


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ({"champion": "6", "alias": "6"}, "champion is 6, expected 7"),
        ({"alias": "6"}, "alias is at 6"),
        ({"weights": {"a": 50, "b": 50}}, "weights are"),
        ({"weights": {}}, "weights are"),
        ({"slot": "a"}, "weights are"),
        ({"others": 1}, "1 pods of other versions"),
    ],
)
def test_an_end_state_is_right_only_where_all_agree(state: dict[str, object], what: str) -> None:
    assert END.wrong == []
    (wrong,) = EndState(**{**vars(END), **state}).wrong
    assert what in wrong


def test_the_last_line_has_every_figure_and_null_for_what_was_left_out() -> None:
    part = figures.shares([Share(50, 1000, 500), Share(50, 1000, 700)])
    found = figures.summary([part])
    assert found["share_outside_interval"] == 1
    assert list(found)[:7] == [
        "promotion_failed", "p99_ratio", "rollback_foreign_failures", "rollback_ms_median", "rollback_ms_worst",
        "share_outside_interval", "chaos_failed",
    ]  # fmt: skip
    assert found["chaos_failed"] is None
    assert figures.missed(found) == ["share_outside_interval is 1, expected at most 0"]
    assert json.dumps([part, found])


# --- what it applies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [QUICK, rollbacks.HALF, shares.STEPS])
def test_its_yaml_is_right(steps: list[dict[str, object]]) -> None:
    made = ModelDeploymentManifest.model_validate(model_deployment(spec("2", steps, retry="1")))
    assert made.spec.traffic.exact
    assert made.spec.serving.replicas == 2


def test_a_moment_of_the_status_is_told_by_the_clients_clock() -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert on_our_clock(now) == pytest.approx(time.monotonic(), abs=0.5)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--only", "promotions,nonsense"], "found nonsense"),
        (["--promotions", "0"], "a number above 0"),
        (["--chaos", "soon"], "expected a duration"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_wanted(
    words: list[str], what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench.traffic", *words])
    with pytest.raises(SystemExit):
        bench.main()
    assert what in capsys.readouterr().err


# --- the crowd --------------------------------------------------------------------------------------------------------


def test_a_ledger_is_the_same_once_packed_and_unpacked() -> None:
    seen = ledger((1, "2", 200), (2, "", 0), (3, "2", 200))
    seen.add(Answer(3, 4, "", 0, "TimeoutError"))
    assert Packed.pack(seen).unpack() == seen


@pytest.fixture
def port() -> Iterator[int]:
    """A server that says of itself what the body's order is."""
    loop, up = asyncio.new_event_loop(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        async with await asyncio.start_server(_talk, "127.0.0.1", 0) as server:
            ports.append(server.sockets[0].getsockname()[1])
            up.set()
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    assert up.wait(10)
    yield ports[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[2]
            _, headers = parse_head(b"HTTP/1.1 200 \r\n" + head)
            order = json.loads(await reader.readexactly(int(headers["content-length"])))["dataframe_split"]["data"][0][
                0
            ]
            writer.write(f"HTTP/1.1 200 OK\r\nX-Podium-Version: {order}\r\nContent-Length: 0\r\n\r\n".encode())
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has gone
    finally:
        writer.close()


def heard(asking: crowd.Crowd, order: int) -> Ledger | None:
    found = asking.take()
    return found if str(order) in found.by_version() else None


def test_clients_of_another_process_ask_as_told_and_tell_each_answer_once(port: int) -> None:
    clients = Clients("127.0.0.1", port, [orders.body(orders.WORK)], 200.0, time.monotonic)
    began = time.monotonic()
    with crowd.at_work(clients) as asking:
        seen = [wait_until("answers", lambda: heard(asking, orders.WORK), 10)]
        asking.send([orders.body(orders.FAIL)])
        seen += [wait_until("other answers", lambda: heard(asking, orders.FAIL), 10)]
    assert set(seen[0].by_version()) == {str(orders.WORK)}
    due = [answer.sent for each in seen for answer in each.answers]
    assert len(due) == len(set(due))
    assert began < min(due) < max(due) < time.monotonic()


def test_clients_whom_nobody_answers_are_told_of() -> None:
    quick = Impatient("127.0.0.1", 1, [b""], 200.0, time.monotonic, name="a.test")
    with pytest.raises(RuntimeError, match=r"no answer at 127\.0\.0\.1:1 for a\.test"), crowd.at_work(quick):
        pass


class Impatient(Clients):
    async def reached(self, within: float) -> bool:
        return await super().reached(0.01)
