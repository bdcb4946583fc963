"""Reload in place: what a file names is loaded beside what serves, proved, and takes its place; or nothing changes."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pandas as pd
import pytest
from mlflow.models import infer_signature

from podium.runtime.loading.artifact import digest_of_directory
from tests.contract.test_runtime.conftest import Process, server
from tests.contract.test_runtime.test_stall import eventually

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow warns of itself

ONE = pd.DataFrame({"x": [1.0, 2.0]})
BODY = {"dataframe_records": [{"x": 1.5}]}
# A model from code: its text is all that there is of it.
CODE = """
import time
from pathlib import Path
import mlflow

class Times(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        Path({loaded!r}).touch()
        {on_load}

    def predict(self, context, model_input, params=None):
        {on_predict}
        return model_input["x"].to_numpy() * {factor}

mlflow.models.set_model(Times())
"""


class Models:
    """A folder of models, and the file that names one of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "model.json"

    def make(self, name: str, factor: int, on_load: str = "pass", on_predict: str = "pass", **more: Any) -> str:
        """Save a model that multiplies. Returns its digest."""
        path = self.folder / name
        code = self.folder / f"{name}.py"
        text = CODE.format(loaded=str(self.loaded(name)), on_load=on_load, on_predict=on_predict, factor=factor)
        code.write_text(text)
        example = {"input_example": ONE, "signature": infer_signature(ONE, pd.Series([1.0]))}
        more = {"pip_requirements": [], **more}
        if on_predict != "pass":
            mlflow.pyfunc.save_model(path, python_model=str(code), signature=example["signature"], **more)
            (path / "serving_input_example.json").write_text('{"dataframe_split": {"columns": ["x"], "data": [[1.0]]}}')
        else:
            mlflow.pyfunc.save_model(path, python_model=str(code), **example, **more)
        self.loaded(name).unlink(missing_ok=True)  # saving it loads it
        return digest_of_directory(path)

    def loaded(self, name: str) -> Path:
        """What is there once the model's own code has run."""
        return self.folder / f"{name}.loaded"

    def say(self, name: str, digest: str) -> None:
        self.write(json.dumps({"uri": str(self.folder / name), "digest": digest}))

    def write(self, text: str) -> None:
        """Replace the file as Kubernetes does: whole."""
        beside = self.folder / "model.json.new"
        beside.write_text(text)
        beside.rename(self.file)


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path)


@pytest.fixture
def doubling(models: Models, store: str, tmp_path: Path) -> Iterator[Process]:
    """A server of the model `two`, which the file names."""
    models.say("two", models.make("two", 2))
    with server(tmp_path, store, MODEL_FILE=str(models.file)) as process:
        yield process.ready()


def asked(process: Process) -> tuple[str, Any]:
    answer = httpx.post(f"{process.url}/invocations", json=BODY)
    return answer.headers["x-podium-model"], answer.json()["predictions"][0]


def sample(process: Process, start: str) -> list[str]:
    return [line for line in httpx.get(f"{process.url}/metrics").text.splitlines() if line.startswith(start)]


def failed(process: Process, digest: str, reason: str) -> Callable[[], bool]:
    told = f'podium_reload_info{{digest="{digest}",reason="{reason}",state="failed"}} 1.0'
    return lambda: sample(process, "podium_reload_info") == [told]


def test_the_version_that_the_file_names_takes_the_place_of_the_one_that_serves(
    doubling: Process, models: Models
) -> None:
    assert asked(doubling) == ("two", 3.0)
    with httpx.Client(base_url=doubling.url) as kept:
        kept.post("/invocations", json=BODY)
        digest = models.make("three", 3)
        models.say("three", digest)
        eventually(lambda: asked(doubling) == ("three", 4.5), "the pod serves the former version")
        assert kept.post("/invocations", json=BODY).headers["x-podium-model"] == "three"
    (info,) = sample(doubling, "podium_model_info")
    assert f'digest="{digest}"' in info
    assert sample(doubling, "podium_reload_info") == [
        f'podium_reload_info{{digest="{digest}",reason="",state="served"}} 1.0'
    ]
    assert 'podium_reloads_total{outcome="ok"} 1.0' in sample(doubling, "podium_reloads_total")
    assert httpx.get(f"{doubling.url}/v2/models/two").status_code == 404
    assert httpx.get(f"{doubling.url}/v2/models/three/ready").json() == {"name": "three", "ready": True}
    assert httpx.get(f"{doubling.url}/readyz").status_code == 200


def test_files_that_are_not_the_pinned_ones_are_not_run(doubling: Process, models: Models) -> None:
    models.make("three", 3)
    other = f"sha256:{'0' * 64}"
    models.say("three", other)
    eventually(failed(doubling, other, "digest_mismatch"), "no word of the other digest")
    assert not models.loaded("three").exists()
    assert asked(doubling) == ("two", 3.0)
    assert httpx.get(f"{doubling.url}/readyz").status_code == 200


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"on_load": "raise ValueError('no')"}, "not_loaded"),
        ({"on_load": "raise SystemExit(0)"}, "not_loaded"),
        ({"on_load": "raise KeyboardInterrupt"}, "not_loaded"),
        ({"on_predict": "raise ValueError('no')"}, "warm_up_failed"),
        ({"pip_requirements": ["no-such-package"]}, "requirement_missing"),
    ],
    ids=["raises", "exits", "interrupts", "cannot answer its example", "needs a package"],
)
def test_a_version_that_does_not_prove_itself_changes_nothing(
    doubling: Process, models: Models, made: dict[str, Any], reason: str
) -> None:
    before = sample(doubling, "podium_model_info")
    digest = broken(models, **made)
    models.say("three", digest)
    eventually(failed(doubling, digest, reason), f"not {reason}")
    assert asked(doubling) == ("two", 3.0)
    assert sample(doubling, "podium_model_info") == before
    good = models.make("four", 4)
    models.say("four", good)
    eventually(lambda: asked(doubling) == ("four", 6.0), "a later word is not heard")


def broken(models: Models, on_load: str = "pass", **made: Any) -> str:
    """A model that could be saved, and whose code was changed after that where it would not load."""
    models.make("three", 3, **made)
    (code,) = (models.folder / "three").glob("*.py")
    code.write_text(code.read_text().replace("        pass\n", f"        {on_load}\n", 1))
    return digest_of_directory(models.folder / "three")


def test_a_word_that_cannot_be_read_changes_nothing(doubling: Process, models: Models) -> None:
    models.write("{")
    eventually(failed(doubling, "", "bad_settings"), "no word of the broken file")
    models.write("")
    eventually(lambda: "served" in sample(doubling, "podium_reload_info")[0], "an empty file is no word")
    models.file.unlink()
    assert asked(doubling) == ("two", 3.0)


def test_a_source_that_is_silent_is_asked_again(doubling: Process, models: Models) -> None:
    digest = models.make("three", 3)
    path = models.folder / "three"
    hidden = path.rename(models.folder / "hidden")
    models.say("three", digest)
    eventually(failed(doubling, digest, "not_fetched"), "the folder was there")
    hidden.rename(path)
    eventually(lambda: asked(doubling) == ("three", 4.5), "it is not tried again")


def test_a_version_with_code_of_its_own_needs_a_new_process(doubling: Process, models: Models) -> None:
    helper = models.folder / "helper.py"
    helper.write_text("FACTOR = 3\n")
    digest = models.make("three", 3, code_paths=[str(helper)])
    models.say("three", digest)
    eventually(failed(doubling, digest, "restart_needed"), "it was loaded beside the other")
    assert not models.loaded("three").exists()
    assert asked(doubling) == ("two", 3.0)


def test_a_word_that_was_overtaken_while_its_version_loaded_is_passed_over(doubling: Process, models: Models) -> None:
    gate = models.folder / "gate"
    gate.touch()
    slow = broken(models, on_load=f"while Path({str(gate)!r}).exists(): time.sleep(0.01)")
    four = models.make("four", 4)
    models.say("three", slow)
    eventually(models.loaded("three").exists, "it does not load")
    models.say("four", four)
    gate.unlink()
    eventually(lambda: asked(doubling) == ("four", 6.0), "the newest word is not heard")
    assert "three is not wanted any more" in doubling.text()
    assert 'podium_reloads_total{outcome="ok"} 1.0' in sample(doubling, "podium_reloads_total")


def test_a_load_that_hangs_is_given_up_and_the_next_word_is_taken(models: Models, store: str, tmp_path: Path) -> None:
    wait = f"while Path({str(tmp_path / 'hold')!r}).exists(): time.sleep(0.01)"
    models.say("two", models.make("two", 2))
    hanging = {name: models.make(name, 3, on_load=wait) for name in ("hangs", "hangs_too")}
    good = {name: models.make(name, factor) for name, factor in (("four", 4), ("five", 5), ("seven", 7))}
    (tmp_path / "hold").touch()
    with server(tmp_path, store, MODEL_FILE=str(models.file), RELOAD_SECONDS="1") as process:
        process.ready()
        models.say("hangs", hanging["hangs"])
        eventually(failed(process, hanging["hangs"], "stalled"), "the load is waited for")
        models.say("four", good["four"])
        eventually(lambda: asked(process) == ("four", 6.0), "the next word is not taken")
        models.say("hangs_too", hanging["hangs_too"])
        eventually(failed(process, hanging["hangs_too"], "stalled"), "the second load is waited for")
        models.say("five", good["five"])
        eventually(failed(process, good["five"], "restart_needed"), "a third load begins")
        assert asked(process) == ("four", 6.0)
        (tmp_path / "hold").unlink()
        process.wait_for("(?s)(a load that was given up has returned.*){2}")
        models.say("seven", good["seven"])
        eventually(lambda: asked(process) == ("seven", 10.5), "no word is taken any more")


def test_a_word_that_is_withdrawn_while_its_version_hangs_is_forgotten_at_once(
    doubling: Process, models: Models, tmp_path: Path
) -> None:
    serving = digest_of_directory(models.folder / "two")
    wait = f"while Path({str(tmp_path / 'hold')!r}).exists(): time.sleep(0.01)"
    digest = models.make("hangs", 3, on_load=wait)
    (tmp_path / "hold").touch()
    models.say("hangs", digest)
    loading = [f'podium_reload_info{{digest="{digest}",reason="",state="loading"}} 1.0']
    eventually(lambda: sample(doubling, "podium_reload_info") == loading, "it is not loaded")
    models.say("two", serving)
    served = [f'podium_reload_info{{digest="{serving}",reason="",state="served"}} 1.0']
    eventually(lambda: sample(doubling, "podium_reload_info") == served, "the word is not withdrawn")
    (tmp_path / "hold").unlink()
    doubling.wait_for("is not wanted any more")
    assert asked(doubling) == ("two", 3.0)


def test_a_restart_begins_with_the_version_that_the_file_names(models: Models, store: str, tmp_path: Path) -> None:
    models.make("two", 2)
    models.say("three", models.make("three", 3))
    with server(tmp_path, store, MODEL_URI=str(tmp_path / "two"), MODEL_FILE=str(models.file)) as process:
        assert asked(process.ready()) == ("three", 4.5)


class Hook(BaseHTTPRequestHandler):
    """Answers 500 once, and then remembers what it is told."""

    told: list[Any]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.told.append(body)
        self.send_response(500 if len(self.told) == 1 else 204)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


def test_the_hook_is_told_who_serves_and_who_served(models: Models, store: str, tmp_path: Path) -> None:
    told: list[Any] = []
    with HTTPServer(("127.0.0.1", 0), type("Told", (Hook,), {"told": told})) as hook:
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        two = models.make("two", 2)
        models.say("two", two)
        url = f"http://127.0.0.1:{hook.server_port}/purge"
        with server(tmp_path, store, MODEL_FILE=str(models.file), RELOAD_HOOK=url) as process:
            process.ready()
            three = models.make("three", 3)
            models.say("three", three)
            ok = 'podium_reload_hook_calls_total{outcome="ok"} 1.0'
            eventually(lambda: ok in sample(process, "podium_reload_hook_calls_total"), "the hook is not called")
        hook.shutdown()
    former = {"model": "two", "version": "local", "run_id": "", "digest": two}
    assert told == [{"model": "three", "version": "local", "run_id": "", "digest": three, "former": former}] * 2
