"""A reason for people holds one line, is bounded, and tells no secret."""

import pytest

from podium.runtime.exits import REASON_LIMIT, Exit, StartError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://alice:s3cret@mlflow:5000/api is down", "http://mlflow:5000/api is down"),
        ("GET https://bucket/key?X-Amz-Signature=abc failed", "GET https://bucket/key failed"),
        ("postgresql://u:p@db/mlflow#frag", "postgresql://db/mlflow"),
        ("two\nlines\tand  more", "two lines and more"),
        ("models:/churn/7 is not there", "models:/churn/7 is not there"),
    ],
)
def test_a_reason_is_one_line_without_secrets(text: str, shown: str) -> None:
    assert StartError(Exit.NOT_FETCHED, text).reason == shown


def test_a_reason_is_bounded() -> None:
    assert len(StartError(Exit.NOT_LOADED, "é" * 5000).reason.encode()) <= REASON_LIMIT


def test_a_reason_holds_what_is_no_utf_8() -> None:
    StartError(Exit.BAD_SETTINGS, b"\xff".decode(errors="surrogateescape")).reason.encode()


def test_exit_codes_are_what_the_operator_knows() -> None:
    assert {code.name: code.value for code in Exit} == {
        "DONE": 0,
        "BAD_SETTINGS": 2,
        "NOT_FETCHED": 3,
        "NOT_LOADED": 4,
        "DIGEST_MISMATCH": 5,
        "REQUIREMENT_MISSING": 6,
        "WARM_UP_FAILED": 7,
        "PORT_UNAVAILABLE": 8,
        "STALLED": 9,
        "NO_STORAGE": 10,
        "UNFORESEEN": 11,
        "PROCESS_LOST": 12,
        "SIGNATURE_NOT_VERIFIED": 13,
    }
