"""PODIUM_PROCESSES: predictions in processes of their own, and one server that tells of all of them."""

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pandas as pd
import pytest
from mlflow.models import infer_signature

from podium.runtime.loading.artifact import digest_of_directory
from tests.contract.test_runtime.conftest import Process, server
from tests.contract.test_runtime.test_events import AGENTS, said
from tests.contract.test_runtime.test_reload import BODY, Models, failed
from tests.contract.test_runtime.test_serving import requests_by_outcome
from tests.contract.test_runtime.test_stall import eventually

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow warns of itself

ONE = pd.DataFrame({"what": ["predict"], "seconds": [0.0]})


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("busy") / "model"
    mlflow.pyfunc.save_model(
        folder,
        python_model=str(Path(__file__).with_name("busy.py")),
        signature=infer_signature(ONE),
        input_example=ONE,
        pip_requirements=[],
    )
    return folder


@pytest.fixture
def two(busy: Path, store: str, tmp_path: Path) -> Iterator[Process]:
    with server(tmp_path, store, MODEL_URI=str(busy), PROCESSES="2", REQUEST_SECONDS="20") as process:
        yield process.ready()


def row(what: str = "predict", seconds: float = 0.0) -> dict[str, Any]:
    return {"dataframe_records": [{"what": what, "seconds": seconds}]}


def asked(process: Process, what: str = "predict", seconds: float = 0.0) -> httpx.Response:
    return httpx.post(f"{process.url}/invocations", json=row(what, seconds), timeout=30)


async def side_by_side(process: Process, times: int, seconds: float) -> list[int]:
    async with httpx.AsyncClient(base_url=process.url, timeout=60) as client:
        answers = [client.post("/invocations", json=row(seconds=seconds)) for _ in range(times)]
        return [answer.json()["predictions"][0] for answer in await asyncio.gather(*answers)]


def children(process: Process) -> set[int]:
    tasks = Path(f"/proc/{process.popen.pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def runs(pid: int) -> bool:
    """Whether there is such a process, and it has not ended: a zombie has."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def ends(process: Process, before: set[int]) -> None:
    """Wait until nothing runs that the server started after these. What ran then may have ended meanwhile."""

    def later() -> set[int]:
        return set(filter(runs, descendants(process.popen.pid) - before))

    try:
        eventually(lambda: not later(), "its processes go on")
    except AssertionError:
        shown = [Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in later()]
        raise AssertionError(f"its processes go on: {shown}") from None


def test_predictions_run_in_processes_and_are_counted_together(two: Process) -> None:
    found = asyncio.run(side_by_side(two, 20, 0.05))
    assert set(found) == children(two)
    assert len(set(found)) == 2
    with httpx.Client(base_url=two.url) as client:
        assert requests_by_outcome(client)["ok"] == 20
        assert client.get("/v2/models/model").json()["podium"]["processes"] == 2


def test_one_process_is_the_server_itself(busy: Path, store: str, tmp_path: Path) -> None:
    with server(tmp_path, store, MODEL_URI=str(busy), PROCESSES="1") as process:
        assert asked(process.ready()).json() == {"predictions": [process.popen.pid]}
        assert not children(process)


def test_the_answers_are_those_of_one_process(store: str, tmp_path: Path) -> None:
    bodies = [{"dataframe_split": {"columns": ["x"], "data": [[x]]}} for x in (3.0, -1.0, 300.0, None, "text")]
    found = []
    for count in ("1", "2"):
        folder = tmp_path / count
        folder.mkdir()
        with server(folder, store, MODEL_URI="models:/picky/1", PROCESSES=count) as process:
            url = f"{process.ready().url}/invocations"
            answers = [httpx.post(url, json=body) for body in bodies]
            with httpx.Client(base_url=process.url) as client:
                counted = requests_by_outcome(client)
        found.append(([(each.status_code, each.json()) for each in answers], counted))
    assert found[0] == found[1]
    assert [status for status, _ in found[0][0]][:3] == [200, 500, 500]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("raise", "the model raised ValueError"),
        ("leave", "the prediction ended with SystemExit"),
        ("lambda", "the model's answer cannot be handed from one process to another"),
    ],
)
def test_what_the_model_does_wrong_is_its_fault_and_it_is_asked_again(two: Process, what: str, message: str) -> None:
    for _ in range(3):
        answer = asked(two, what)
        assert answer.status_code == 500
        assert message in answer.json()["message"]
    assert set(asyncio.run(side_by_side(two, 8, 0.05))) == children(two)
    with httpx.Client(base_url=two.url) as client:
        assert requests_by_outcome(client)["model_error"] == 3


def test_a_process_that_ends_ends_the_server(two: Process) -> None:
    assert asked(two, "die").status_code == 500
    assert two.exit_code(20) == 12
    assert two.termination_log.read_text() == (
        "PROCESS_LOST: a process that predicts ended with SIGKILL, most likely for want of memory\n"
    )
    assert "Traceback" not in two.text()


def test_a_process_that_ends_takes_no_other_request_with_it(busy: Path, store: str, tmp_path: Path) -> None:
    with server(tmp_path, store, MODEL_URI=str(busy), PROCESSES="2", DRAIN_SECONDS="5") as process:
        before = children(process.ready())
        with ThreadPoolExecutor() as pool:
            slow = pool.submit(asked, process, seconds=1.5)
            eventually(lambda: depth(process) == 1, "the slow request is not there")
            assert asked(process, "die").status_code == 500
            (left,) = set(filter(runs, before))
            eventually(lambda: httpx.get(f"{process.url}/readyz").status_code == 503, "it is still ready")
            assert [asked(process).json() for _ in range(3)] == [{"predictions": [left]}] * 3  # while routes follow
            assert slow.result().json() == {"predictions": [left]}
        assert process.exit_code(30) == 12


def test_a_process_that_ends_is_missed_at_once_although_what_it_forked_goes_on(two: Process) -> None:
    answer = asked(two, "fork and die")
    (child,) = [int(file.read_text()) for file in two.log.parent.glob("child")]
    try:
        assert runs(child)
        assert answer.status_code == 500
        assert two.exit_code(20) == 12
        assert runs(child)
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("count", ["1", "2"])
def test_what_a_model_forks_answers_no_client(count: str, busy: Path, store: str, tmp_path: Path) -> None:
    with server(tmp_path, store, MODEL_URI=str(busy), PROCESSES=count) as process:
        before = descendants(process.ready().popen.pid)
        forked = asked(process, "fork")
        answers = [asked(process) for _ in range(10)]
        assert [answer.status_code for answer in (forked, *answers)] == [200] * 11
        asked_of = before or {process.popen.pid}
        assert {answer.json()["predictions"][0] for answer in answers} <= asked_of
        ends(process, before)


def descendants(pid: int) -> set[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    below = {int(child) for task in tasks for child in task.read_text().split()}
    return below.union(*map(descendants, below))


def test_a_row_that_ends_a_process_is_not_asked_of_the_last_one(store: str, tmp_path: Path) -> None:
    models = Models(tmp_path)
    gate = tmp_path / "gate"
    models.make(
        "killer",
        2,
        on_predict=f"""import os
        while (model_input["x"] == 7).any() and Path({str(gate)!r}).exists():
            time.sleep(0.01)
        if (model_input["x"] == 13).any():
            os.kill(os.getpid(), 9)""",
    )
    gate.touch()
    uri = str(tmp_path / "killer")
    with (
        server(tmp_path, store, MODEL_URI=uri, PROCESSES="2", BATCHING="on", DRAIN_SECONDS="10") as process,
        ThreadPoolExecutor(6) as pool,
    ):
        process.ready()
        slow = []
        for _ in range(2):  # one after the other: two that come together are joined, and leave a process free
            slow.append(pool.submit(predicted, process, 7.0))
            eventually(lambda: depth(process) == len(slow), "the slow requests are not there")
        joined = [pool.submit(predicted, process, x) for x in (1.0, 13.0, 3.0)]
        eventually(lambda: depth(process) == 5, "the requests are not there")
        gate.unlink()
        assert [each.result().status_code for each in slow] == [200, 200]
        assert joined[1].result().status_code == 500
        assert predicted(process, 5.0).json() == {"predictions": [10.0]}


def predicted(process: Process, x: float) -> httpx.Response:
    body = {"dataframe_records": [{"x": x}]}
    return httpx.post(f"{process.url}/invocations", json=body, timeout=30)


def test_a_request_that_no_process_can_be_asked_is_its_clients_fault(store: str, tmp_path: Path) -> None:
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=str(AGENTS / "chat_agent.py"), pip_requirements=[])
    deep = f'{{"messages": [{{"role": "user", "content": "hi"}}], "custom_inputs": {{"a": {"[" * 700}{"]" * 700}}}}}'
    with server(tmp_path, store, MODEL_URI=str(tmp_path / "model"), PROCESSES="2") as process:
        answer = httpx.post(f"{process.ready().url}/invocations", content=deep, timeout=30)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "RequestFault")
        with httpx.Client(base_url=process.url) as client:
            assert requests_by_outcome(client)["model_error"] == 0


def depth(process: Process) -> float:
    text = httpx.get(f"{process.url}/metrics").text
    (line,) = (line for line in text.splitlines() if line.startswith("podium_queue_depth{"))
    return float(line.rpartition(" ")[2])


def test_a_process_that_ends_at_rest_ends_the_server(two: Process) -> None:
    os.kill(next(iter(children(two))), signal.SIGTERM)  # as a whole group gets it: that is the server's to say
    os.kill(next(iter(children(two))), signal.SIGSEGV)
    assert two.exit_code(20) == 12
    assert "SIGSEGV" in two.termination_log.read_text()


def test_a_prediction_that_never_returns_is_found_and_shown(busy: Path, store: str, tmp_path: Path) -> None:
    limits = {"REQUEST_SECONDS": "1", "STALL_SECONDS": "3"}
    with server(tmp_path, store, MODEL_URI=str(busy), PROCESSES="2", **limits) as process:
        before = children(process.ready())
        assert asked(process, seconds=1000).status_code == 503
        assert asked(process).status_code == 200  # by the other
        assert process.exit_code(30) == 9
        assert "busy.py" in process.text()  # where it stands
        eventually(lambda: not any(map(runs, before)), "its processes go on")


@pytest.mark.parametrize("kind", ["chat_model", "responses"])
def test_streams_share_the_processes(kind: str, store: str, tmp_path: Path) -> None:
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=str(AGENTS / f"{kind}.py"), pip_requirements=[])
    with server(tmp_path, store, MODEL_URI=str(tmp_path / "model"), PROCESSES="2") as process:
        url, one = f"{process.ready().url}/invocations", {**said(kind, "one two three"), "stream": True}
        with httpx.Client(timeout=30) as client, client.stream("POST", url, json=one) as slow:
            lines = slow.iter_lines()
            first = next(lines)  # of a stream that goes on while four others are answered
            whole = [client.post(url, json=one).text.splitlines() for _ in range(4)]
            assert [first, *lines] == whole[0]
        assert [len(each) for each in whole] == [2 * 4] * 4  # three words and the end, with an empty line after each
        with httpx.stream("POST", url, json=one) as left:
            next(left.iter_lines())
        assert httpx.post(url, json=one).text.splitlines() == whole[0]
        assert len(children(process)) == 2


def test_a_stream_that_breaks_leaves_its_process_to_others(store: str, tmp_path: Path) -> None:
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=str(AGENTS / "responses.py"), pip_requirements=[])
    with server(tmp_path, store, MODEL_URI=str(tmp_path / "model"), PROCESSES="2") as process:
        url = f"{process.ready().url}/invocations"
        for _ in range(3):
            told = httpx.post(url, json={**said("responses", "one raise two"), "stream": True}).text
            assert 'data: {"error":"the model raised RuntimeError"}' in told
        assert httpx.post(url, json=said("responses", "one two")).status_code == 200
        assert len(children(process)) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left(two: Process, number: signal.Signals) -> None:
    before = children(two)
    two.popen.send_signal(number)
    assert two.exit_code(20) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    eventually(lambda: not any(map(runs, before)), "its processes go on")


def test_a_model_that_cannot_be_loaded_is_told_as_ever(store: str, tmp_path: Path) -> None:
    with server(
        tmp_path, store, MODEL_URI="models:/hollow/1", PROCESSES="2", REQUIREMENTS_IGNORED="no-such-package"
    ) as process:
        assert process.exit_code() == 7
        assert process.termination_log.read_text().startswith("WARM_UP_FAILED: ")
        assert not children(process)


SELF_MADE = """
import enum
import mlflow

class Grade(str, enum.Enum):
    GOOD = "good"

class Grades(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [Grade.GOOD for _ in range(len(model_input))]

mlflow.models.set_model(Grades())
"""


def test_answers_that_no_process_can_hand_over_are_found_before_a_client_gets_one(store: str, tmp_path: Path) -> None:
    (tmp_path / "grades.py").write_text(SELF_MADE)
    mlflow.pyfunc.save_model(
        tmp_path / "grades",
        python_model=str(tmp_path / "grades.py"),
        signature=infer_signature(ONE),
        input_example=ONE,
        pip_requirements=[],
    )
    models = Models(tmp_path)
    models.say("three", models.make("three", 3))
    with server(tmp_path, store, MODEL_FILE=str(models.file), PROCESSES="2") as process:
        before = children(process.ready())
        digest = digest_of_directory(tmp_path / "grades")
        models.say("grades", digest)
        eventually(failed(process, digest, "warm_up_failed"), "it is served")
        assert httpx.post(f"{process.url}/invocations", json=BODY).json() == {"predictions": [4.5]}
        ends(process, before)
    with server(tmp_path, store, MODEL_URI=str(tmp_path / "grades"), PROCESSES="2") as process:
        assert process.exit_code() == 7
        assert "cannot be handed from one process to another" in process.termination_log.read_text()


def test_a_load_that_is_given_up_keeps_no_processes(store: str, tmp_path: Path) -> None:
    models, hold = Models(tmp_path), tmp_path / "hold"
    models.say("two", models.make("two", 2))
    hangs = models.make("hangs", 3, on_load=f"while Path({str(hold)!r}).exists(): time.sleep(0.01)")
    hold.touch()
    with server(tmp_path, store, MODEL_FILE=str(models.file), PROCESSES="2", RELOAD_SECONDS="1") as process:
        before = children(process.ready())
        models.say("hangs", hangs)
        eventually(lambda: len(children(process)) == 4, "it is not loaded")
        eventually(failed(process, hangs, "stalled"), "the load is waited for")
        ends(process, before)
        assert hold.exists()
        hold.unlink()
        process.wait_for("a load that was given up has failed: a process that predicts ended with SIGKILL")


def test_a_reload_in_place_has_processes_of_its_own(store: str, tmp_path: Path) -> None:
    models = Models(tmp_path)
    models.say("three", models.make("three", 3))
    with server(tmp_path, store, MODEL_FILE=str(models.file), PROCESSES="2") as process:
        url, before = f"{process.ready().url}/invocations", children(process)
        assert httpx.post(url, json=BODY).json() == {"predictions": [4.5]}
        models.say("four", models.make("four", 4))
        eventually(
            lambda: httpx.post(url, json=BODY).json() == {"predictions": [6.0]}, "the new version does not answer"
        )
        eventually(lambda: not any(map(runs, before)) and len(children(process)) == 2, "the former processes go on")
