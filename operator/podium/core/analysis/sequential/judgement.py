"""The three verdicts of a sequential test."""

from typing import Literal

TestVerdict = Literal["Failed", "Passed", "Inconclusive"]


def judgement(*, failed: bool, passed: bool) -> TestVerdict:
    """Worst news first: what was proved to fail stays so, whatever came after it."""
    if failed:
        return "Failed"
    return "Passed" if passed else "Inconclusive"


def check_counts(**counts: int) -> None:
    """Raise ValueError where a count of answers is negative: the counters were read wrongly, and prove nothing."""
    for name, count in counts.items():
        if count < 0:
            raise ValueError(f"a count of answers cannot be negative: {name} = {count}")
