"""What is left of work is told from how far it is, and before that from the last time."""

from pathlib import Path

import pytest

from testbed import forecast, gobuild
from testbed.forecast import Measured, Usual


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODIUM_CACHE", str(tmp_path / "cache"))


def test_work_that_was_never_done_says_only_how_long_it_has_taken() -> None:
    assert Usual("something").at(20) == "20 s"


def test_work_that_was_done_before_says_how_long_it_took_then() -> None:
    Usual("something").done(72.3)
    assert Usual("something").at(20) == "20 s of about 1 min 12 s"
    assert Usual("something").at(90) == "1 min 30 s", "it takes longer this time"


def test_what_was_measured_here_overrides_the_table_of_first_times() -> None:
    assert forecast.usual_time("kubernetes") == forecast.FIRST_TIMES["kubernetes"]
    forecast.remember("kubernetes", 100)
    assert forecast.usual_time("kubernetes") == 100


def test_a_quarter_that_took_two_minutes_leaves_six() -> None:
    assert Measured("something", lambda: (0.25, "1 of 4")).at(120) == "2 min, 25 % (1 of 4), about 6 min left"


def test_at_the_very_beginning_what_is_left_is_told_from_the_usual_time() -> None:
    measured = Measured("something", lambda: (0.001, "1 of 999"))
    assert measured.at(10) == "10 s, 0 % (1 of 999)"
    forecast.remember("something", 100)
    assert measured.at(10) == "10 s, 0 % (1 of 999), about 1 min 30 s left"


LOG = """$ go build -v -trimpath
go: downloading example.test/a v1
a
vendor/b
"""


def test_a_build_is_as_far_as_the_sources_of_the_packages_that_go_has_named() -> None:
    share, words = gobuild.progress_of(LOG, {"a": 100, "vendor/b": 200, "c": 700})
    assert share == pytest.approx(0.3 * (1 - gobuild._LINKING))
    assert words == "2 of 3 packages"


def test_a_build_with_nothing_to_compile_is_no_division_by_zero() -> None:
    assert gobuild.progress_of(LOG, {}) == (0.0, "0 of 0 packages")
