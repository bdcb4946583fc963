"""Predictions that wait do so side by side, and those of a row-wise flavour are joined by one thread."""

import runpy
import threading
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow.types import ColSpec, DataType, Schema
from sklearn.linear_model import LinearRegression

from podium.runtime.prediction import pace
from podium.runtime.prediction.pace import CALLS
from tests.contract.test_runtime.asked import served
from tests.contract.test_runtime.test_doors import saved

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

SIDE_BY_SIDE = 4
MEETING = threading.Barrier(SIDE_BY_SIDE, timeout=10)
ROWS = {"dataframe_records": [{"x": 1.5}]}
X = Schema([ColSpec(DataType.double, "x")])


class Meeting(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Waits until so many predictions run at once."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        MEETING.wait()
        return model_input["x"].to_numpy() * 2


class Named(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return [threading.current_thread().name for _ in model_input["x"]]


def test_predictions_of_a_pyfunc_wait_side_by_side(tmp_path: Path) -> None:
    MEETING.reset()
    with served(saved(tmp_path / "model", Meeting(), X)) as server:
        answers = server.post_together([("/invocations", ROWS)] * SIDE_BY_SIDE)
        assert answers == [(200, {"predictions": [3.0]})] * SIDE_BY_SIDE
        assert server.count('podium_requests_total{outcome="ok"}') == SIDE_BY_SIDE
        assert server.get(f"/v2/models/{server.name}")[1]["podium"]["threads"] == 8


CODE = """
import mlflow

class Double(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["x"].to_numpy() * 2

mlflow.models.set_model(Double())
"""
AGENTS = Path(__file__).with_name("agents")


def test_a_model_from_code_waits_and_is_planned_as_one_from_an_object_is(tmp_path: Path) -> None:
    (tmp_path / "double.py").write_text(CODE)
    with served(saved(tmp_path / "model", str(tmp_path / "double.py"), X)) as server:
        assert server.post("/invocations", ROWS) == (200, {"predictions": [3.0]})
        assert server.get(f"/v2/models/{server.name}")[1]["podium"]["threads"] == 8
        assert (server.count("podium_rows_total"), server.count("podium_plan_fallbacks_total")) == (1, 0)


@pytest.mark.parametrize("agent", ["chat_model", "chat_agent", "responses"])
@pytest.mark.parametrize("logged", ["as code", "as an object"])
def test_an_agent_waits_however_it_was_logged(
    tmp_path: Path, agent: str, logged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # MLflow's traces of agents go to a file in the current directory
    code = str(AGENTS / f"{agent}.py")
    python_model = code if logged == "as code" else runpy.run_path(code)["Echo"]()
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=python_model, pip_requirements=[])
    with served(tmp_path / "model") as server:
        assert server.get(f"/v2/models/{server.name}")[1]["podium"]["threads"] == 8


def test_one_thread_predicts_where_the_setting_says_so(tmp_path: Path) -> None:
    with served(saved(tmp_path / "model", Named(), X), THREADS="1") as server:
        answers = server.post_together([("/invocations", ROWS)] * 20)
    assert {answer["predictions"][0] for _, answer in answers} == {"prediction-0"}


def test_a_row_wise_model_has_one_thread_that_joins(tmp_path: Path) -> None:
    save(tmp_path / "model")
    with served(tmp_path / "model") as server:
        server.post_together([("/invocations", ROWS)] * 20)
        assert server.get(f"/v2/models/{server.name}")[1]["podium"]["threads"] == 1
        assert server.count("podium_batch_requests_count") < 20


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that ask a linear regression."""
    found: list[str] = []
    predict = LinearRegression.predict

    def recorded(self: LinearRegression, x: Any) -> Any:
        found.append(threading.current_thread().name)
        return predict(self, x)

    monkeypatch.setattr(LinearRegression, "predict", recorded)
    return found


def test_a_row_wise_model_that_is_quick_is_asked_by_the_event_loop(tmp_path: Path, threads: list[str]) -> None:
    save(tmp_path / "model")
    with served(tmp_path / "model", QUEUE_LIMIT="64") as server:
        threads.clear()
        alone = [server.post("/invocations", ROWS) for _ in range(CALLS + 1)]
        assert threads == ["prediction-0"] * CALLS + ["MainThread"]
        assert server.count("podium_batch_requests_count") == CALLS + 1
        threads.clear()
        together = server.post_together([("/invocations", ROWS)] * 200)
        assert threads == ["MainThread"] * 4  # of at most 64 requests, so that none is refused
        assert {str(answer) for answer in (*alone, *together)} == {str((200, {"predictions": [3.0]}))}


@pytest.mark.parametrize("slow", ["at first", "later"])
def test_a_row_wise_model_that_is_not_quick_is_asked_by_its_thread(
    tmp_path: Path, threads: list[str], slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "model")
    monkeypatch.setattr(pace, "QUICK_SECONDS" if slow == "at first" else "SLOW_SECONDS", 0.0)
    with served(tmp_path / "model") as server:
        for _ in range(CALLS + pace.SLOW_CALLS):
            server.post("/invocations", ROWS)
        threads.clear()
        server.post("/invocations", ROWS)
    assert threads == ["prediction-0"]


def test_a_long_batch_is_for_the_thread_of_a_quick_model_too(tmp_path: Path, threads: list[str]) -> None:
    save(tmp_path / "model")
    with served(tmp_path / "model") as server:
        for _ in range(CALLS + 1):
            server.post("/invocations", ROWS)
        threads.clear()
        server.post("/invocations", {"dataframe_records": [{"x": 1.5}] * (pace.ROWS + 1)})
    assert threads == ["prediction-0"]


def save(folder: Path) -> None:
    model = LinearRegression().fit(np.array([[1.0], [2.0]]), [2.0, 4.0])
    mlflow.sklearn.save_model(
        model, folder, serialization_format="cloudpickle", pip_requirements=[], signature=signature()
    )


def signature() -> Any:
    return mlflow.models.ModelSignature(inputs=X)
