"""The three answers of the judge."""

from typing import Literal

TestVerdict = Literal["Failed", "Passed", "Inconclusive"]


def judgement(*, broken: bool, holds: bool) -> TestVerdict:
    """Worst news first: what was proved broken stays so, whatever came after it."""
    if broken:
        return "Failed"
    return "Passed" if holds else "Inconclusive"


def check_counts(**counts: int) -> None:
    """Raise ValueError where a count of answers is negative: the counters were read wrongly, and prove nothing."""
    for name, count in counts.items():
        if count < 0:
            raise ValueError(f"a count of answers cannot be negative: {name} = {count}")
