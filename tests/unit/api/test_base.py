"""Durations and shares: what people write, what is meant, and what is written back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from podium.api.v1alpha1.values.base import Duration, Percent, format_percent

DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)
PERCENT: TypeAdapter[float] = TypeAdapter(Percent)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("90s", 90), ("1m30s", 90), ("1.5h", 5400), ("250ms", 0.25), ("1h1m1s", 3661)],
)
def test_durations_are_those_of_go(text: str, seconds: float) -> None:
    assert DURATION.validate_python(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "5d", "m5", "1h30", "5m\n", "٥m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="expected a duration such as 90s, 5m or 1h30m"):
        DURATION.validate_python(text)


@given(st.integers(min_value=0, max_value=30 * 24 * 3600 * 1000))
def test_a_duration_reads_as_it_was_written(milliseconds: int) -> None:
    value = timedelta(milliseconds=milliseconds)
    assert DURATION.validate_python(DURATION.dump_python(value)) == value


@pytest.mark.parametrize(("text", "share"), [("1%", 0.01), ("0.5%", 0.005), ("100%", 1.0), ("12.345%", 0.12345)])
def test_shares_are_percent(text: str, share: float) -> None:
    assert PERCENT.validate_python(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["1", "0.01", "101%", "-1%", "1 %", "1e-3%", "%", "1%\n"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"expected a share in percent such as 1% or 0\.5%"):
        PERCENT.validate_python(text)


@given(st.integers(min_value=1, max_value=5_000_000))
def test_a_share_reads_as_it_was_written(parts: int) -> None:
    """A guard frozen into the status must not be a rounded one."""
    value = PERCENT.validate_python(f"{parts / 100_000:.5f}%")
    assert PERCENT.validate_python(PERCENT.dump_python(value)) == value


def test_messages_show_shares_as_far_as_they_matter() -> None:
    assert format_percent(0.0612345) == "6.12%"
