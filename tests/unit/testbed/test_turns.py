"""Tests on the shared cluster run beside each other, but beside one that disturbs them none does."""

import fcntl
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from testbed.waiting import wait_until
from tests.conftest import runs_alone, unit_of_work
from tests.turns import Turns


def is_free(file: Path, kind: int) -> bool:
    """Whether another process could have this lock at once."""
    with file.open("w") as opened, suppress(BlockingIOError):
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
        return True
    return False


@pytest.fixture
def room(tmp_path: Path) -> Path:
    return tmp_path / "tests-room"


def test_two_tests_may_be_there_together_and_one_alone_may_not_join_them(tmp_path: Path, room: Path) -> None:
    with Turns(tmp_path).together(), Turns(tmp_path).together():
        assert not is_free(room, fcntl.LOCK_EX)
    assert is_free(room, fcntl.LOCK_EX)


def test_beside_one_that_is_alone_there_is_no_other(tmp_path: Path, room: Path) -> None:
    with Turns(tmp_path).alone():
        assert not is_free(room, fcntl.LOCK_SH)
    assert is_free(room, fcntl.LOCK_SH)


def test_a_turn_lasts_until_the_last_of_those_nested_in_it_has_ended(tmp_path: Path, room: Path) -> None:
    turns = Turns(tmp_path)
    outer, inner = turns.alone(), turns.together()
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert not is_free(room, fcntl.LOCK_SH)
    inner.__exit__(None, None, None)
    assert is_free(room, fcntl.LOCK_EX)


def test_one_that_waits_to_be_alone_is_not_overtaken(tmp_path: Path) -> None:
    def alone() -> None:
        with Turns(tmp_path).alone():
            pass

    waiting = threading.Thread(target=alone)
    with Turns(tmp_path).together():
        waiting.start()
        wait_until("it waits", lambda: not is_free(tmp_path / "tests-door", fcntl.LOCK_EX), 10, interval=0.01)
    waiting.join(10)
    assert not waiting.is_alive()


LOOKS_ON = """
import fcntl
import os
from pathlib import Path

ROOM = Path(os.environ["PODIUM_CACHE"], "locks", "tests-room")


def pytest_runtest_logfinish(nodeid):
    with ROOM.open("w") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"\\n{nodeid} keeps its turn")
        else:
            print(f"\\n{nodeid} is done")
"""


def test_tests_that_run_alone_one_after_the_other_have_one_turn(tmp_path: Path) -> None:
    (tmp_path / "tests/e2e").mkdir(parents=True)
    (tmp_path / "conftest.py").write_text(LOOKS_ON)
    (tmp_path / "tests/e2e/test_restarts.py").write_text("def test_1(): pass\n\n\ndef test_2(): pass\n")
    (tmp_path / "tests/e2e/test_rollout.py").write_text("def test_3(): pass\n\n\ndef test_4(): pass\n")
    environ = os.environ | {"PODIUM_CACHE": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "pytest", "--quiet", "--capture=no", "-p", "tests.conftest", "--rootdir=."]
    ran = subprocess.run([*command, "tests"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert [line.partition("::")[2] for line in ran.stdout.splitlines() if "::" in line] == [
        "test_1 keeps its turn",
        "test_2 is done",
        "test_3 is done",
        "test_4 is done",
    ]


@pytest.mark.parametrize(
    ("nodeid", "unit"),
    [
        ("tests/unit/core/test_plan.py::test_x", "0 machine"),
        ("tests/contract/test_cluster.py::test_x[fake]", "0 machine"),
        ("tests/contract/test_cluster.py::test_x[real]", "1 alone"),
        ("tests/e2e/test_restarts.py::test_x", "1 alone"),
        ("tests/e2e/test_crd.py::test_x", "2 without operator"),
        ("tests/e2e/test_guards.py::test_x[slow-17-guard-latency-quick]", "2 in order"),
        ("tests/e2e/test_gates.py::test_x", "3 tests/e2e/test_gates.py::test_x"),
    ],
)
def test_a_test_is_told_by_its_name_what_it_may_run_beside(nodeid: str, unit: str) -> None:
    assert unit_of_work(nodeid) == unit


def test_whatever_stops_the_operator_or_the_registry_runs_alone() -> None:
    folder = Path(__file__).parents[2] / "e2e"
    stopping = ("lone_operator", "stoppable", "kill_pod", ".scale(")
    found = [file for file in folder.glob("test_*.py") if any(word in file.read_text() for word in stopping)]
    # The tests of the gateway are not run beside others at all.
    assert all(runs_alone(f"tests/e2e/{file.name}::test_x") for file in found if "gateway" not in file.name)
    assert len(found) > 2
