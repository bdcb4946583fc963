"""How a start fails: an exit code of its own for each cause, and a reason where Kubernetes shows it."""

from pathlib import Path

import pytest

from tests.contract.test_runtime.conftest import server


@pytest.mark.parametrize(
    ("settings", "code", "reason"),
    [
        ({}, 2, "BAD_SETTINGS: PODIUM_MODEL_URI is not set; wanted e.g. models:/churn/7"),
        ({"MODEL_URI": "models:/churn/9"}, 3, "NOT_FETCHED: models:/churn/9: "),
        ({"MODEL_URI": "models:/churn/1", "MODEL_DIGEST": "sha256:0"}, 5, "DIGEST_MISMATCH: models:/churn/1: wanted"),
        ({"MODEL_URI": "models:/hollow/1"}, 6, "REQUIREMENT_MISSING: the model needs packages that are not installed"),
        (
            {"MODEL_URI": "models:/hollow/1", "REQUIREMENTS_IGNORED": "no-such-package"},
            7,
            "WARM_UP_FAILED: the model cannot answer its own input example: the model raised RuntimeError",
        ),
    ],
    ids=["no setting", "no such version", "other digest", "missing package", "failed warm-up"],
)
def test_a_failed_start_says_why(store: str, tmp_path: Path, settings: dict[str, str], code: int, reason: str) -> None:
    with server(tmp_path, store, **settings) as process:
        assert process.exit_code() == code, process.text()
    left = process.termination_log.read_text()
    assert left.startswith(reason)
    assert left.count("\n") == 1
    assert len(left.encode()) <= 2048
    assert "Traceback" not in left
