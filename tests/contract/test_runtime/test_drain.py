"""SIGTERM loses nothing: keep-alive clients are answered, told to leave, and find their way to another pod."""

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.contract.test_runtime.conftest import Process, server

BODY = {"dataframe_records": [{"x": 3.0}]}


@dataclass
class Caller:
    """A keep-alive client that asks without pause, and stops asking when it is told to leave."""

    url: str
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    told_to_leave: bool = False

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while not self.told_to_leave:
                try:
                    answer = client.post("/invocations", json=BODY)
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                    return
                self.answered += answer.status_code == 200
                self.told_to_leave = answer.headers.get("connection") == "close"


@pytest.fixture(params=["podium", "uvicorn"])
def picky(request: pytest.FixtureRequest, store: str, tmp_path: Path) -> Iterator[Process]:
    with server(tmp_path, store, MODEL_URI="models:/picky/1", DRAIN_SECONDS="1.5", HTTP=request.param) as process:
        yield process.ready()


def test_a_drain_answers_everything_and_ends_with_0(picky: Process) -> None:
    callers = [Caller(picky.url) for _ in range(8)]
    threads = [threading.Thread(target=caller.run) for caller in callers]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 30
    while min(caller.answered for caller in callers) < 5 and time.monotonic() < until:
        time.sleep(0.01)
    with httpx.Client(base_url=picky.url) as idle:
        idle.get("/healthz")  # a connection that stays open and says nothing more
        picky.popen.send_signal(signal.SIGTERM)
        picky.wait_for("draining for")
        late = httpx.post(f"{picky.url}/invocations", json=BODY)  # kube-proxy may still send new connections
        assert httpx.get(f"{picky.url}/readyz").status_code == 503
        assert httpx.get(f"{picky.url}/healthz").status_code == 200
        for thread in threads:
            thread.join(30)
        assert picky.exit_code(30) == 0
    assert (late.status_code, late.headers["connection"]) == (200, "close")
    assert [caller.lost for caller in callers] == [[]] * 8
    assert all(caller.told_to_leave for caller in callers)


def test_a_client_who_is_still_sent_here_after_the_drain_is_answered(store: str, tmp_path: Path) -> None:
    """kube-proxy takes long to follow on a busy node: new connections came 5 s after a drain of 5 s, and were lost."""
    drain = 1.0
    with server(tmp_path, store, MODEL_URI="models:/picky/1", DRAIN_SECONDS=f"{drain:g}") as process:
        process.ready()
        process.popen.send_signal(signal.SIGTERM)
        process.wait_for("draining for")
        until, answers = time.monotonic() + 3 * drain, []
        while time.monotonic() < until:
            answers.append(httpx.post(f"{process.url}/invocations", json=BODY, timeout=30).status_code)
        assert process.exit_code(30) == 0
    assert set(answers) == {200}


def test_a_stop_while_loading_does_not_wait_for_the_model(store: str, tmp_path: Path) -> None:
    with server(tmp_path, store, MODEL_URI="models:/picky/1") as process:
        process.wait_for("listening on")
        process.popen.send_signal(signal.SIGTERM)
        assert process.exit_code(10) == 0
        assert "ready: model" not in process.text()
