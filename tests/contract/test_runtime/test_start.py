"""How a start fails: an exit code of its own for each cause, and a reason where Kubernetes shows it."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pandas as pd
import pytest
from mlflow.models import infer_signature

from podium.runtime.__main__ import MLFLOW_DEFAULTS
from podium.runtime.exits import Exit, StartError
from podium.runtime.loading.load import load
from podium.runtime.settings import Settings
from tests.contract.test_runtime.conftest import server
from tests.signing import Signer

CHURN = {"MODEL_URI": "models:/churn/1"}


@pytest.mark.parametrize(
    ("settings", "code", "reason"),
    [
        ({}, 2, "BAD_SETTINGS: PODIUM_MODEL_URI is not set; expected e.g. models:/churn/7"),
        (
            {"MODEL_URI": "models:/churn/1", "PORT": "99999"},
            2,
            "BAD_SETTINGS: PODIUM_PORT: expected a whole number from 0",
        ),
        (
            {**CHURN, "PROT": "80"},
            2,
            "BAD_SETTINGS: PODIUM_PROT is no setting of the model server",
        ),
        (
            {**CHURN, "HOST": "192.0.2.1"},
            8,
            "PORT_UNAVAILABLE: 192.0.2.1:0 cannot be listened on",
        ),
        ({**CHURN, "HOST": "é" * 300}, 8, "PORT_UNAVAILABLE: "),
        ({"MODEL_URI": "models:/churn/9"}, 3, "NOT_FETCHED: models:/churn/9: "),
        ({**CHURN, "MODEL_DIGEST": f"sha256:{0:064x}"}, 5, "DIGEST_MISMATCH: models:/churn/1: expected"),
        (
            {**CHURN, "VERIFY_KEYS": Signer().public},
            13,
            "SIGNATURE_NOT_VERIFIED: the model's files are not signed as PODIUM_VERIFY_KEYS requires: there is no file",
        ),
        ({**CHURN, "VERIFY_KEYS": "a key"}, 2, "BAD_SETTINGS: PODIUM_VERIFY_KEYS: expected public keys as PEM"),
        ({"MODEL_URI": "models:/hollow/1"}, 6, "REQUIREMENT_MISSING: the model needs packages that are not installed"),
        (
            {"MODEL_URI": "models:/hollow/1", "REQUIREMENTS_IGNORED": "no-such-package"},
            7,
            "WARM_UP_FAILED: the model cannot answer its own input example: the model raised RuntimeError",
        ),
    ],
    ids=[
        "no setting",
        "no port",
        "misspelt",
        "other host",
        "no host",
        "no such version",
        "other digest",
        "not signed",
        "no key",
        "missing package",
        "failed warm-up",
    ],
)
def test_a_failed_start_says_why(store: str, tmp_path: Path, settings: dict[str, str], code: int, reason: str) -> None:
    with server(tmp_path, store, **settings) as process:
        assert process.exit_code() == code, process.text()
    left = process.termination_log.read_text()
    assert left.startswith(reason)
    assert left.count("\n") == 1
    assert len(left.encode()) <= 2048
    assert "Traceback" not in left


def test_a_server_that_waits_for_the_registry_says_so_in_its_metrics(tmp_path: Path) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, server(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}", **CHURN) as process:
        url = process.wait_for(r"listening on (http://\S+)").group(1)
        process.wait_for("trying registered version")
        assert 'podium_startup_step{step="fetching"} 1.0' in httpx.get(f"{url}/metrics").text


def test_a_registry_that_does_not_answer_is_told_of_within_five_minutes() -> None:
    """MLflow waits two minutes for each answer, and asks eight times."""
    tries = 1 + int(MLFLOW_DEFAULTS["MLFLOW_HTTP_REQUEST_MAX_RETRIES"])
    pauses = sum(2 * 2**number for number in range(1, tries - 1))  # MLflow's own backoff
    assert tries * int(MLFLOW_DEFAULTS["MLFLOW_HTTP_REQUEST_TIMEOUT"]) + pauses < 300


@pytest.mark.filterwarnings("ignore")  # MLflow warns of itself
def test_a_model_that_is_signed_is_served(tmp_path: Path) -> None:
    one, alice, folder = pd.DataFrame({"x": [1.0]}), Signer(), tmp_path / "model"
    mlflow.pyfunc.save_model(
        folder, python_model=Quits("nowhere"), pip_requirements=[], input_example=one, signature=infer_signature(one)
    )
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    (folder / "model.sig").write_bytes(alice.bundle(files))
    environ = {"PODIUM_MODEL_URI": str(folder), "PODIUM_VERIFY_KEYS": f"{Signer().public}{alice.public}"}
    loaded = load(Settings.from_environment(environ))
    loaded.let_go()
    (folder / "MLmodel").write_bytes(files["MLmodel"] + b"\n")
    with pytest.raises(StartError, match="for other files"):
        load(Settings.from_environment(environ))


class Quits(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Raises where a test says it: what sys.exit() does, if nothing else is said."""

    def __init__(self, where: str, end: type[BaseException] = SystemExit) -> None:
        self.where = where
        self.end = end

    def load_context(self, context: Any) -> None:
        if self.where == "load":
            raise self.end

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        if self.where == "predict":
            raise self.end
        return [1.0]


def quitting(path: Path, where: str, end: type[BaseException] = SystemExit) -> Settings:
    one = pd.DataFrame({"x": [1.0]})
    mlflow.pyfunc.save_model(
        path, python_model=Quits(where, end), pip_requirements=[], input_example=one, signature=infer_signature(one)
    )
    return Settings.from_environment({"PODIUM_MODEL_URI": str(path)})


@pytest.mark.filterwarnings("ignore")  # MLflow warns of itself
@pytest.mark.parametrize(("where", "code"), [("load", Exit.NOT_LOADED), ("predict", Exit.WARM_UP_FAILED)])
@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_a_model_that_ends_the_process_is_told_of_as_any_other(
    where: str, code: Exit, end: type[BaseException], tmp_path: Path
) -> None:
    settings = quitting(tmp_path / "model", where, end)
    with ThreadPoolExecutor() as thread:  # as the server does: only the main thread is interrupted by a person
        error = thread.submit(load, settings).exception()
    assert isinstance(error, StartError)
    assert error.exit_code is code
    assert end.__name__ in error.reason


@pytest.mark.filterwarnings("ignore")  # MLflow warns of itself
def test_a_person_may_interrupt_a_load_in_the_main_thread(tmp_path: Path) -> None:
    settings = quitting(tmp_path / "model", "load", KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        load(settings)


@pytest.mark.filterwarnings("ignore")  # MLflow warns of itself
def test_files_that_cannot_be_read_are_no_fault_of_the_model(tmp_path: Path) -> None:
    settings = quitting(tmp_path / "model", "nowhere")
    (tmp_path / "model/requirements.txt").unlink()
    (tmp_path / "model/requirements.txt").mkdir()
    with pytest.raises(OSError, match="requirements"):  # which podium.runtime.__main__ ends by NO_STORAGE
        load(settings)


@pytest.mark.filterwarnings("ignore")  # MLflow warns of itself
def test_a_server_that_has_the_files_waits_for_the_registry_no_more(tmp_path: Path) -> None:
    steps: list[str] = []
    with pytest.raises(StartError):
        load(quitting(tmp_path / "model", "load"), steps.append)
    assert steps == ["fetching", "loading"]
