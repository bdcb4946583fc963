"""An object that contradicts itself is one row that cannot be read; all others are whole."""

from typing import Any

import pytest

from bench.page.fleets import kinds, placed
from podium.core.status.summary import summary
from tests.unit.dashboard.conftest import browsing, keeping


def edited(path: tuple[str | int, ...], value: Any) -> Any:
    whole = kinds()["Canary"]
    part: Any = whole
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return placed(whole, "ml", "evil")


CONTRADICTIONS: list[tuple[tuple[str | int, ...], Any]] = [
    (("status", "trial", "step"), 99),
    (("status", "trial", "steps"), []),
    (("status", "trial", "falsePromotionRate"), 0),
    (("status", "trial", "falseRollbackRate"), 0),
    (("status", "trial", "falseRollbackRate"), -1),
    (("status", "trial", "falsePromotionRate"), 1e308),
    (("status", "trial", "detect"), -1e308),
    (("status", "trial", "soak"), "999999h999999h"),
    (("status", "trial", "soak"), "999999h" * 40),
    (("status", "trial", "startedAt"), "9999-12-31T23:59:59.999999Z"),
    (("status", "trial", "startedAt"), "0001-01-01T00:00:00+14:00"),
    (("status", "trial", "startedAt"), "2026-01-05T09:00:00"),
    (("status", "phaseSince"), "0001-01-01T00:00:00Z"),
    (("status", "trial", "evidence", "tests", 0, "state"), '{"late": [1e400]}'),
    (("status", "trial", "evidence", "tests", 0, "state"), "[" * 5000),
    (("status", "trial", "evidence", "measures", 0, "challenger", "bad"), 10**30),
    (("metadata", "creationTimestamp"), "9999-12-31T23:59:59Z"),
]


@pytest.mark.parametrize(
    ("path", "value"), CONTRADICTIONS, ids=[f"{path[-1]}={value!r:.20}" for path, value in CONTRADICTIONS]
)
def test_it_takes_the_fleet_from_no_one(path: tuple[str | int, ...], value: Any) -> None:
    """The page was 500 for everyone, and so was `podium list`."""
    evil = edited(path, value)
    client = browsing(keeping(evil, placed(kinds()["Stable"], "ml", "stable")))
    fleet = client.get("/")
    assert fleet.status_code == 200
    assert "./deployments/ml/stable" in fleet.text
    assert "./deployments/ml/evil" in fleet.text
    assert client.get("/deployments/ml/evil").status_code == 200
    assert summary(evil).name == "evil"


def test_what_contradicts_itself_is_said() -> None:
    said = summary(edited(("status", "trial", "step"), 99))
    assert said.problem.startswith("spec or status contradicts itself (IndexError: ")
