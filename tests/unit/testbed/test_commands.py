"""A command that fails says which it was, how it ended and what it said last."""

import subprocess
import sys
from pathlib import Path

import pytest

from testbed import commands, forecast, progress
from testbed.errors import CommandFailed, TimedOut


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODIUM_CACHE", str(tmp_path / "cache"))


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_command_returns_what_it_prints() -> None:
    assert commands.run(python("print(input())"), input="hello") == "hello\n"


def test_a_failure_names_command_exit_code_and_last_words() -> None:
    with pytest.raises(CommandFailed) as failed:
        commands.run(python("import sys; sys.exit('the reason')"))
    assert failed.value.code == 1
    assert sys.executable in str(failed.value)
    assert "the reason" in str(failed.value)


def test_a_failure_can_be_let_pass() -> None:
    assert commands.run(python("raise SystemExit(3)"), check=False) == ""


def test_a_program_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(CommandFailed, match="no-such-program"):
        commands.run(["no-such-program"])


def test_a_command_that_does_not_end_is_given_up() -> None:
    with pytest.raises(TimedOut):
        commands.run(python("import signal; signal.pause()"), timeout=0.2)


def test_a_long_command_leaves_its_output_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    commands.run_logged("working", python("print('done')"), log)
    assert "done" in log.read_text()


def test_a_long_command_that_fails_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="line 99") as failed:
        commands.run_logged("working", python("[print('line', i) for i in range(100)]; 1/0"), tmp_path / "log")
    assert "line 1\n" not in str(failed.value)


def test_a_long_command_gives_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "TICK", 0.02)
    monkeypatch.setattr(progress, "PLAIN", 0.05)
    commands.run_logged("working", python("import threading; threading.Event().wait(0.5)"), tmp_path / "log")
    assert "testbed: working ... 0 s\n" in capsys.readouterr().err


def test_the_time_of_a_long_command_is_remembered(tmp_path: Path) -> None:
    commands.run_logged("working", python(""), tmp_path / "log")
    assert forecast.usual_time("working") is not None


def test_what_is_written_on_the_fly_reaches_the_command() -> None:
    commands.feed(lambda target: target.write(b"x" * 100_000) and None, python("assert len(input()) == 100_000"))


def test_a_consumer_that_dies_early_is_the_one_to_blame() -> None:
    with pytest.raises(CommandFailed, match="too much"):
        commands.feed(lambda target: target.write(b"x" * 10_000_000) and None, python("exit('too much')"))


def test_a_producer_that_fails_is_noticed() -> None:
    with pytest.raises(CommandFailed, match="exit code 4"):
        commands.pipe(python("raise SystemExit(4)"), [sys.executable, "-c", "input"])


def test_nothing_outlives_an_interrupted_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def interrupted(process: subprocess.Popen[bytes], _: float) -> int:
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        commands.run_logged("working", python("import signal; signal.pause()"), tmp_path / "log")
    monkeypatch.undo()
    assert started[0].wait(10) != 0
