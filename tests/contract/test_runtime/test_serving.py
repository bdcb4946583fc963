"""What the serving port promises, seen from outside."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.contract.test_runtime.conftest import Process, server


@pytest.fixture(scope="module", params=["podium", "uvicorn"])
def churn(request: pytest.FixtureRequest, store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server of `models:/churn/1` behind our own HTTP, and one behind uvicorn."""
    with server(tmp_path_factory.mktemp("churn"), store, MODEL_URI="models:/churn/1", HTTP=request.param) as process:
        yield process.ready()


IDENTITY = ("x-podium-model", "x-podium-version", "x-podium-run-id", "x-request-id")
OUTCOMES = {"ok", "client_error", "model_error", "nan", "overload", "timeout", "deadline_exceeded"}


def requests_by_outcome(client: httpx.Client) -> dict[str, float]:
    text = client.get("/metrics").text
    return {
        sample.labels["outcome"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "podium_requests_total"
    }


def rows(count: int) -> dict[str, object]:
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415  heavy, and only some tests want it

    features = load_breast_cancer(as_frame=True).data.head(count)
    return {"dataframe_split": {"columns": list(features.columns), "data": features.to_numpy().tolist()}}


def test_answers_equal_what_mlflow_predicts(store: str, client: httpx.Client) -> None:
    asked = rows(200)
    code = (
        "import sys, json, mlflow, pandas as pd\n"
        f"mlflow.set_tracking_uri({store!r})\n"
        "split = json.load(sys.stdin)['dataframe_split']\n"
        "model = mlflow.pyfunc.load_model('models:/churn/1')\n"
        "print(json.dumps(model.predict(pd.DataFrame(split['data'], columns=split['columns'])).tolist()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(asked), text=True, capture_output=True, check=True
    )
    answer = client.post("/invocations", json=asked)
    assert answer.status_code == 200
    assert answer.json()["predictions"] == json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/ping", "/version", "/metrics", "/nowhere", "/invocations"])
def test_every_answer_says_who_gave_it(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"x-request-id": "asked-by-me"})
    assert [answer.headers[name] for name in IDENTITY[:2]] == ["churn", "1"]
    assert answer.headers["x-podium-run-id"]
    assert answer.headers["x-request-id"] == "asked-by-me"


@pytest.mark.parametrize(
    "churn", ["podium"], indirect=True, scope="module"
)  # uvicorn refuses it without a word of ours
def test_a_request_that_is_no_http_is_told_who_refuses_it(churn: Process) -> None:
    import socket  # noqa: PLC0415

    host, port = churn.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(b"this is no http\r\n\r\n")
        answer = raw.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"x-podium-model: churn" in answer


def test_all_outcomes_are_counted_from_the_start_and_health_is_not(client: httpx.Client) -> None:
    before = requests_by_outcome(client)
    assert set(before) == OUTCOMES
    client.get("/healthz")
    client.get("/readyz")
    assert requests_by_outcome(client) == before
    client.post("/invocations", json=rows(1))
    client.post("/invocations", content=b"{")
    after = requests_by_outcome(client)
    assert {name: after[name] - before[name] for name in OUTCOMES if after[name] != before[name]} == {
        "ok": 1,
        "client_error": 1,
    }


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not valid JSON"),
        (b"[1]", "found a list"),
        (b"{}", "exactly one of"),
        (b'{"dataframe_split": {"columns": ["a"], "data": [[1]]}}', "missing column"),
        (b'{"dataframe_split": 3}', "dataframe_split"),
    ],
)
def test_a_wrong_request_is_a_4xx_that_says_what_is_wrong(client: httpx.Client, body: bytes, says: str) -> None:
    answer = client.post("/invocations", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert says in answer.json()["message"]
    assert "Traceback" not in answer.text


def test_a_wrong_cell_is_named_by_row_and_column(client: httpx.Client) -> None:
    asked = rows(3)
    asked["dataframe_split"]["data"][2][1] = "tall"  # type: ignore[index]
    answer = client.post("/invocations", json=asked)
    assert answer.status_code == 400
    assert answer.json()["message"] == "row 2, column 'mean texture': expected a number (double), found a text"
    assert "tall" not in answer.text


def test_a_body_above_the_limit_is_refused(client: httpx.Client) -> None:
    answer = client.post("/invocations", content=b" " * (16 * 1024 * 1024 + 1))
    assert answer.status_code == 413


def test_an_unknown_media_type_is_refused(client: httpx.Client) -> None:
    answer = client.post("/invocations", content=b"x", headers={"content-type": "text/html"})
    assert answer.status_code == 415


def test_faults_of_the_model_are_5xx_and_tell_no_data(store: str, tmp_path: Path) -> None:
    with server(tmp_path, store, MODEL_URI="models:/picky/1") as process:
        with httpx.Client(base_url=process.ready().url) as client:
            good = client.post("/invocations", json={"dataframe_records": [{"x": 3.0}]})
            raised = client.post("/invocations", json={"dataframe_records": [{"x": 300.0}]})
            no_number = client.post("/invocations", json={"dataframe_records": [{"x": -3.0}]})
            counted = requests_by_outcome(client)
        log = process.text()
    assert good.json() == {"predictions": [6.0]}
    assert (raised.status_code, no_number.status_code) == (500, 500)
    assert "secret" not in raised.text
    assert "secret-in-the-data" in log, "the trace belongs in the log"
    assert (counted["ok"], counted["model_error"], counted["nan"]) == (1, 1, 1)


def test_the_metrics_name_the_digest_that_was_computed(client: httpx.Client) -> None:
    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    (info,) = families["podium_model_info"].samples
    assert info.labels["digest"].startswith("sha256:")
    assert info.value == 1
