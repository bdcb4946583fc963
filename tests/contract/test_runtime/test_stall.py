"""A prediction that never returns takes the pod out of service, and then ends it with a word of its own."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from sklearn.datasets import load_breast_cancer

from podium.runtime.prediction.pace import CALLS
from tests.contract.test_runtime.conftest import Process, server

GOOD, HANGS = ({"dataframe_records": [{"x": x}]} for x in (3.0, 7.0))
FEATURES = load_breast_cancer(as_frame=True).data
HURRIED = {"x-request-timeout": "100ms"}


def eventually(truth: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 30
    while not truth():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def hang(process: Process, folder: Path) -> None:
    (folder / "hold").touch()
    assert httpx.post(f"{process.url}/invocations", json=HANGS, headers=HURRIED).status_code == 503


@pytest.mark.parametrize(("threads", "other"), [("1", 503), ("2", 200)])
def test_a_pod_with_an_overdue_prediction_is_not_ready_until_it_returns(
    store: str, tmp_path: Path, threads: str, other: int
) -> None:
    settings = {"MODEL_URI": "models:/picky/1", "THREADS": threads, "REQUEST_SECONDS": "1", "STALL_SECONDS": "600"}
    with server(tmp_path, store, **settings) as process:
        url = process.ready().url
        hang(process, tmp_path)
        eventually(lambda: httpx.get(f"{url}/readyz").text == "overdue\n", "the pod stays ready")
        assert httpx.get(f"{url}/readyz").status_code == 503
        assert httpx.get(f"{url}/v2/health/ready").json() == {"ready": False}
        assert httpx.get(f"{url}/healthz").status_code == 200
        answer = httpx.post(f"{url}/invocations", json=GOOD)  # by a connection that was kept
        assert answer.status_code == other
        assert ("overdue" in answer.text) == (other == 503)
        assert re.search(r"it stands here:(\n.*)*, in predict\n", process.text())
        (tmp_path / "hold").unlink()
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200, "the pod stays unready")
        eventually(lambda: httpx.post(f"{url}/invocations", json=GOOD).status_code == 200, "no prediction within 1 s")
        assert process.popen.poll() is None


@pytest.mark.parametrize("settings", [{}, {"STALL_SECONDS": "0.3"}], ids=["from the deadline", "as it is set"])
def test_a_prediction_that_never_returns_ends_the_pod(store: str, tmp_path: Path, settings: dict[str, str]) -> None:
    with server(tmp_path, store, MODEL_URI="models:/picky/1", REQUEST_SECONDS="0.2", **settings) as process:
        process.ready()
        with httpx.Client(base_url=process.url) as idle:
            idle.get("/healthz")  # a connection that stays open holds the end up no longer
            hang(process, tmp_path)
            assert process.exit_code(30) == 9, process.text()
    left = process.termination_log.read_text()
    assert left.startswith("STALLED: a prediction has not returned for ")
    assert "PODIUM_STALL_SECONDS" in left
    assert left.count("\n") == 1


def test_0_lets_a_prediction_run_for_as_long_as_it_likes(store: str, tmp_path: Path) -> None:
    settings = {"MODEL_URI": "models:/picky/1", "REQUEST_SECONDS": "0.1", "STALL_SECONDS": "0"}
    with server(tmp_path, store, **settings) as process:
        url = process.ready().url
        hang(process, tmp_path)
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 503, "the pod stays ready")
        (tmp_path / "hold").unlink()
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200, "the pod stays unready")


def test_a_quick_model_that_hangs_the_event_loop_itself_ends_the_pod_with_the_same_word(
    store: str, tmp_path: Path
) -> None:
    program = Path(__file__).with_name("hanging.py")
    settings = {"MODEL_URI": "models:/churn/1", "REQUEST_SECONDS": "1", "STALL_SECONDS": "2"}
    with server(tmp_path, store, str(program), **settings) as process:
        url = process.ready().url
        rows = {"dataframe_split": {"columns": list(FEATURES.columns), "data": FEATURES.head(1).to_numpy().tolist()}}
        for _ in range(2 * CALLS):  # after which it is known to be quick
            httpx.post(f"{url}/invocations", json=rows).raise_for_status()
        (tmp_path / "hold").touch()
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{url}/invocations", json=rows, timeout=60)
        assert process.exit_code(30) == 9, process.text()
    assert process.termination_log.read_text().startswith("STALLED: a prediction has not returned for ")
    assert 'File "' in process.text()
