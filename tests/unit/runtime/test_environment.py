"""Whatever stands in the environment, the server starts, or ends with a code and a word of its own."""

import logging
import os
import random
from pathlib import Path
from typing import Any

import pytest

from podium.runtime import __main__ as program
from podium.runtime.environment import Known
from podium.runtime.exits import Exit, StartError
from podium.runtime.settings import Settings

MODEL = {"PODIUM_MODEL_URI": "models:/churn/7"}
NUMBERS = ("", " ", "0", "-0", "-1", "1.5", "nan", "inf", "-inf", "1e400", "1e300", "9" * 5000, "99999", "0x10", "٣")
TEXTS = (
    "on",
    "OFF",
    "None",
    "true\n",
    "é" * 300,
    "\udcff\udcfe",
    "\x7f\x1b[31m",
    "a=b,c",
    ",",
    "0.1,0.1",
    "x" * 100_000,
)
SECRET = "https://u:secret-word@host/a?token=secret-word"
URIS = (
    "tcp://10.0.0.1:80",
    "models:/",
    "models:/a@",
    "models:/%/1",
    "file:",
    "s3://",
    "https://u:secret-word@a?b=secret-word",
)
PATHS = (
    "/",
    "/dev/null",
    "/nowhere/at/all",
    ".",
    "..",
    "/proc/self/mem",
    "[" * 2000,
    "{{",
    "::",
    "[::]",
    "x" * 100_000,
)
NASTY = (*NUMBERS, *TEXTS, *URIS, *PATHS)


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # a termination log may be named by anything

    async def run(settings: Any, identity: Any, *_: Any) -> None:
        assert identity.block  # what the first answer needs

    monkeypatch.setattr(program, "run", run)


def names() -> list[str]:
    known = Known(MODEL)
    Settings._read(known)
    return sorted({*known.asked, "CONFIG_PATH", "MODEL_VARIANT", "MODEL_RUN_ID"})


def ended(environ: dict[str, str], folder: Path) -> tuple[Exit, str]:
    left = folder / "termination.log"
    left.unlink(missing_ok=True)
    code = program.main({"PODIUM_TERMINATION_LOG": str(left), **environ})
    return code, left.read_text() if left.exists() else ""


@pytest.mark.parametrize("name", names())
def test_no_value_of_a_setting_ends_in_a_trace(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for value in NASTY:
        code, left = ended({**MODEL, name: value}, tmp_path)
        assert code in {Exit.DONE, Exit.BAD_SETTINGS}, (name, value, left)
        if code is Exit.BAD_SETTINGS and name != "PODIUM_TERMINATION_LOG":
            assert left.startswith("BAD_SETTINGS: ")
            assert left.count("\n") == 1
            assert "secret-word" not in left
    assert "Traceback" not in "".join(str(record.exc_text) for record in caplog.records if name not in _OWN_FILE)


_OWN_FILE = {"PODIUM_TERMINATION_LOG"}  # where it cannot be written, the log says why


def test_no_environment_ends_in_a_trace(tmp_path: Path) -> None:
    chance, known = random.Random(7), [name for name in names() if name not in _OWN_FILE]
    for _ in range(300):
        environ = {name: chance.choice(NASTY) for name in chance.sample(known, 5)}
        code, left = ended(environ, tmp_path)
        assert code in {Exit.DONE, Exit.BAD_SETTINGS}, (environ, left)


def test_a_misspelt_setting_is_refused_with_the_right_name(tmp_path: Path) -> None:
    code, left = ended({**MODEL, "PODIUM_REQEUST_SECONDS": "5"}, tmp_path)
    assert code is Exit.BAD_SETTINGS
    assert (
        left == "BAD_SETTINGS: PODIUM_REQEUST_SECONDS is no setting of the model server; write PODIUM_REQUEST_SECONDS\n"
    )


def test_what_is_written_for_another_program_is_told_and_ignored(caplog: pytest.LogCaptureFixture) -> None:
    Settings.from_environment({**MODEL, "PODIUM_REGISTRY_URI": "http://mlflow"})
    assert "PODIUM_REGISTRY_URI is no setting of the model server, and has no effect" in caplog.text


def test_what_kubernetes_sets_for_a_service_called_podium_is_no_setting(caplog: pytest.LogCaptureFixture) -> None:
    links = {
        "PODIUM_PORT": "tcp://10.43.0.7:8080",
        "PODIUM_SERVICE_HOST": "10.43.0.7",
        "PODIUM_SERVICE_PORT_HTTP": "8080",
        "PODIUM_PORT_8080_TCP_ADDR": "10.43.0.7",
        "PODIUM_OPERATOR_SERVICE_HOST": "10.43.0.8",
    }
    assert Settings.from_environment({**MODEL, **links}).port == 8080
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(28, "No space left on device", "/tmp/podium-1"), Exit.NO_STORAGE),
        (PermissionError(13, "Permission denied", "/models/MLmodel"), Exit.NO_STORAGE),
        (RuntimeError("the server's own"), Exit.UNFORESEEN),
        (SystemExit(0), Exit.UNFORESEEN),
        (StartError(Exit.PORT_UNAVAILABLE, "taken"), Exit.PORT_UNAVAILABLE),
    ],
)
def test_each_end_has_its_code_and_its_word(
    error: BaseException, code: Exit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(*_: Any) -> None:
        raise error

    monkeypatch.setattr(program, "run", run)
    found, left = ended(MODEL, tmp_path)
    assert found is code
    assert left.startswith(f"{code.name}: ")


def test_a_machine_without_room_for_temporary_files_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("tempfile.mkdtemp", full)
    code, left = ended(MODEL, tmp_path)
    assert (code, "No space left" in left) == (Exit.NO_STORAGE, True)


def test_a_termination_message_that_cannot_be_written_changes_no_code(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    assert ended({"PODIUM_TERMINATION_LOG": str(tmp_path)}, tmp_path)[0] is Exit.BAD_SETTINGS
    assert "could not be written where Kubernetes reads it" in caplog.text
