"""PODIUM_DRIFT: what users ask is counted by the bins of the model's profile, by every door, and seen at one page."""

from pathlib import Path

import mlflow
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from podium.core.drift.profile import FILE
from podium.profile import profile_of
from tests.contract.test_runtime.asked import Server, served

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

TABLE = pd.DataFrame(
    {"age": [float(20 + row % 60) for row in range(400)], "visits": [float(row % 4) for row in range(400)]}
)
SENT = {"dataframe_split": {"columns": ["age", "visits"], "data": [[20.0, 1.0], [79.0, 3.0]]}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drift") / "model"
    estimator = LinearRegression().fit(TABLE, TABLE["age"])
    signature = mlflow.models.infer_signature(TABLE, estimator.predict(TABLE))
    mlflow.sklearn.save_model(estimator, path, signature=signature, input_example=TABLE.head(2))
    made = profile_of(TABLE, {"age": "number", "visits": "number"}, estimator.predict(TABLE))
    (path / FILE).write_text(made.text)
    return path


def counted(server: Server, feature: str) -> list[int]:
    """Rows by bin, of those that were asked."""
    status, text = server.get("/metrics/drift")
    assert status == 200
    found = [line for line in text.splitlines() if line.startswith("podium_drift_rows_total{")]
    return [int(line.rpartition(" ")[2]) for line in found if f'feature="{feature}"' in line]


def test_rows_of_every_door_are_counted_and_the_warm_up_is_not(model: Path) -> None:
    with served(model, DRIFT="on") as server:
        assert sum(counted(server, "age")) == 0
        assert server.post("/invocations", SENT)[0] == 200
        assert server.post("/api/v1/predict", {"age": 20.0, "visits": 1.0})[0] == 200
        assert server.post("/invocations", {"dataframe_records": [{"age": 20, "visits": 1}]})[0] == 200
        ages = counted(server, "age")
        assert (ages[0], ages[9], sum(ages)) == (3, 1, 4)
        assert sum(counted(server, "visits")) == sum(counted(server, "predictions")) == 4


def test_requests_that_are_joined_are_counted_once(model: Path) -> None:
    with served(model, DRIFT="on", THREADS="1") as server:
        answers = server.post_together([("/invocations", SENT)] * 5)
        assert [status for status, _ in answers] == [200] * 5
        assert (sum(counted(server, "age")), sum(counted(server, "predictions"))) == (10, 10)


def test_what_is_refused_and_what_testers_ask_is_not_counted(model: Path) -> None:
    with served(model, DRIFT="on", PREVIEW_HEADER="x-tester") as server:
        assert server.post("/invocations", {"dataframe_records": [{"age": 20.0}]})[0] == 400
        assert server.post("/invocations", SENT, b"application/json", (b"x-tester", b"1"))[0] == 200
        assert sum(counted(server, "age")) == 0


def test_a_model_without_a_profile_serves_and_says_so(model: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for file in model.iterdir():
        if file.is_file() and file.name != FILE:
            (bare / file.name).write_bytes(file.read_bytes())
    with served(bare, DRIFT="on") as server:
        assert server.post("/invocations", SENT)[0] == 200
        assert server.get("/metrics/drift")[1].splitlines()[-1].endswith(" 0")


def test_without_the_setting_nothing_is_counted_and_there_is_no_page(model: Path) -> None:
    with served(model) as server:
        assert server.post("/invocations", SENT)[0] == 200
        assert server.get("/metrics/drift")[0] == 404
