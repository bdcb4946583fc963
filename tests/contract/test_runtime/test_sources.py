"""Where a model can come from, with a real registry; and a start while the registry is down."""

import json
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
from pathlib import Path

import httpx
import pytest

from tests.contract.test_runtime.conftest import ROOT, server

X = {"dataframe_records": [{"x": 3.0}]}


def metadata(url: str, model: str) -> dict[str, object]:
    found: dict[str, object] = httpx.get(f"{url}/v2/models/{model}").json()
    return found


def ask_store(store: str, code: str) -> str:
    environ = {**os.environ, "MLFLOW_TRACKING_URI": store}
    code = f"import mlflow\nclient = mlflow.MlflowClient()\n{code}"
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def test_an_alias_is_resolved_once_and_named_by_its_version(store: str, tmp_path: Path) -> None:
    ask_store(store, "client.set_registered_model_alias('picky', 'champion', '1'); print('ok')")
    with server(tmp_path, store, MODEL_URI="models:/picky@champion", PREDICTION_LOG="on") as process:
        answer = httpx.post(f"{process.ready().url}/invocations", json=X, headers={"x-request-id": "mine"})
        process.popen.send_signal(signal.SIGINT)
        assert process.exit_code(20) == 0
        logged = [json.loads(line) for line in process.text().splitlines() if line.startswith('{"time"')]
    assert (answer.json(), answer.headers["x-podium-version"]) == ({"predictions": [6.0]}, "1")
    assert [(line["id"], line["outcome"], line["version"]) for line in logged] == [("mine", "ok", "1")]
    assert "input" not in logged[0], "inputs are somebody's data, and were not asked for"


@pytest.mark.parametrize("name", ["team@home", "50% off", "Größe (v2)"])
@pytest.mark.parametrize("by", ["/1", "@champion"])
def test_a_name_may_hold_what_a_registry_takes_and_every_spelling_of_its_path_is_the_same(
    store: str, tmp_path: Path, name: str, by: str
) -> None:
    copied = f"client.copy_model_version('models:/picky/1', {name!r})"
    known = f"{name!r} in [each.name for each in client.search_registered_models()]"
    named = f"client.set_registered_model_alias({name!r}, 'champion', '1')"
    ask_store(store, f"{known} or {copied}\n{named}\nprint('ok')")
    with server(tmp_path, store, MODEL_URI=f"models:/{name}{by}") as process:
        url = process.ready().url
        assert httpx.post(f"{url}/invocations", json=X).json() == {"predictions": [6.0]}
        quoted = urllib.parse.quote(name, safe="")
        lowered = re.sub("%..", lambda found: found.group().lower(), quoted)
        for spelling in (quoted, lowered, urllib.parse.quote(name, safe="()!'*@")):
            assert httpx.get(f"{url}/v2/models/{spelling}/ready").status_code == 200


def test_a_run_gives_the_model_that_it_logged(store: str, tmp_path: Path) -> None:
    run = ask_store(store, "print(client.get_model_version('picky', '1').run_id)")
    with server(tmp_path, store, SOURCE_RUN_ID=run) as process:
        answer = httpx.post(f"{process.ready().url}/invocations", json=X)
    assert (answer.json(), answer.headers["x-podium-run-id"]) == ({"predictions": [6.0]}, run)


def test_the_newest_run_with_a_name_gives_its_model(store: str, tmp_path: Path) -> None:
    name = ask_store(store, "print(client.get_run(client.get_model_version('picky', '1').run_id).info.run_name)")
    with server(tmp_path, store, SOURCE_RUN_NAME=name) as process:
        assert httpx.post(f"{process.ready().url}/invocations", json=X).json() == {"predictions": [6.0]}


def test_a_pickle_is_served(store: str, tmp_path: Path) -> None:
    from sklearn.linear_model import LinearRegression  # noqa: PLC0415  heavy, and only some tests want it

    file = tmp_path / "double.pkl"
    file.write_bytes(pickle.dumps(LinearRegression().fit([[1.0], [2.0]], [2.0, 4.0])))
    with server(tmp_path, store, SOURCE_PATH=str(file)) as process:
        answer = httpx.post(f"{process.ready().url}/invocations", json={"inputs": [[3.0]]})
    assert answer.json()["predictions"] == [pytest.approx(6.0)]
    assert (answer.headers["x-podium-model"], answer.headers["x-podium-version"]) == ("double", "local")


def test_a_restart_while_the_registry_is_down_serves_the_last_good_copy(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = {"CACHE_DIR": str(tmp_path / "cache")}
    with server(tmp_path, store, MODEL_URI="models:/picky/1", **cache) as process:
        digest = metadata(process.ready().url, "picky")["podium"]["digest"]  # type: ignore[index]
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # bound and never listening: every connection is refused
        gone = f"http://127.0.0.1:{sock.getsockname()[1]}"
        with server(tmp_path, gone, MODEL_URI="models:/picky/1", MODEL_DIGEST=digest, **cache) as process:
            url = process.ready().url
            told = metadata(url, "picky")["podium"]
            assert httpx.post(f"{url}/invocations", json=X).json() == {"predictions": [6.0]}
            assert 'podium_model_from_cache{model="picky",version="1"} 1.0' in httpx.get(f"{url}/metrics").text
    assert told["from_cache"] is True  # type: ignore[index]
    assert [each["kind"] for each in told["source"]] == ["registered version", "cache"]  # type: ignore[index]


def test_podium_serve_serves_a_directory(store: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    ask_store(
        store,
        f"mlflow.artifacts.download_artifacts('models:/churn/1', dst_path={str(folder)!r})\nprint('ok')",
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "operator"), "MLFLOW_TRACKING_URI": store}
    command = [sys.executable, "-m", "podium.cli.serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "ready: model model version local" in line:
                break
        else:
            pytest.fail("the server never became ready")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
