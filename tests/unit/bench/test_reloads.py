"""The bench of reloads sees what it is there to see."""

import pytest

from bench.serving.openloop import Record
from bench.serving.reloads import Findings, shortfalls, told


def findings(memory: list[float] | None = None, *, wrong: str = "", lost: int = 0) -> Findings:
    record = Record(sent=100, answered=100 - lost)
    record.latency.extend([0.01] * (100 - lost))
    return Findings([1.0] * 100, memory or [200.0] * 100, [wrong] if wrong else [], [record])


def test_a_run_in_which_nothing_fails_reaches_what_is_expected() -> None:
    assert shortfalls(told(findings([100.0, *[200.0] * 99]), 200)) == []  # it may grow while it warms up


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (findings(lost=1), "no request failed; found 1"),
        (findings(wrong="reload 3: …"), "each answer the new version's"),
        (findings([200.0 + number for number in range(100)]), "memory at most 1.1 times"),
    ],
)
def test_what_fails_is_told(found: Findings, expected: str) -> None:
    (told_of,) = shortfalls(told(found, 200))
    assert told_of.startswith(expected)
