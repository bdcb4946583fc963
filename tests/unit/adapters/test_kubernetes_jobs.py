"""What a Job and its pods say, understood: one row a situation."""

from typing import Any

import pytest

from podium.adapters.kubernetes.jobs import answer
from podium.adapters.kubernetes.names import GATE_CONTAINER


def job(**condition: str) -> dict[str, Any]:
    conditions = [{"status": "True", **condition}] if condition else []
    return {"metadata": {"name": "churn-0123", "uid": "j1"}, "status": {"conditions": conditions}}


def pod(at: str = "2026-01-01T00:00:00Z", code: int = 1, message: str = "", container: str = GATE_CONTAINER) -> Any:
    end = {"exitCode": code, "reason": "Error", "message": message, "finishedAt": at}
    state = {"name": container, "state": {"terminated": end}}
    return {"metadata": {"name": "p", "uid": "p"}, "status": {"containerStatuses": [state]}}


def waiting(reason: str) -> Any:
    state = {"name": GATE_CONTAINER, "state": {"waiting": {"reason": reason, "message": "no such image"}}}
    return {"metadata": {"name": "p", "uid": "p"}, "status": {"containerStatuses": [state]}}


FAILED = {"type": "Failed", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}
LATE = {"type": "Failed", "reason": "DeadlineExceeded", "message": "Job was active longer than specified deadline"}


@pytest.mark.parametrize(
    ("found", "pods", "state", "words"),
    [
        (job(), [], "Pending", "job churn-0123 has not finished"),
        (job(), [waiting("ImagePullBackOff")], "Pending", "has not finished: ImagePullBackOff: no such image"),
        (job(), [pod(code=1)], "Pending", "has not finished"),
        (job(type="SuccessCriteriaMet"), [], "Pending", "has not finished"),
        (job(type="FailureTarget"), [], "Pending", "has not finished"),
        (job(type="Complete"), [], "Passed", "job churn-0123 succeeded"),
        (job(**FAILED), [], "Failed", "BackoffLimitExceeded: Job has reached the specified backoff limit"),
        (job(**FAILED), [pod(message="3 cases are wrong")], "Failed", "exit code 1 (Error): 3 cases are wrong"),
        (
            job(**FAILED),
            [pod("2026-01-01T00:00:09Z", 2, "the last"), pod("2026-01-01T00:00:01Z", 3, "the first")],
            "Failed",
            "exit code 2 (Error): the last",
        ),
        (job(**FAILED), [pod(container="sidecar", message="not mine")], "Failed", "BackoffLimitExceeded"),
        (job(**LATE), [pod(message="killed")], "Failed", "DeadlineExceeded: Job was active longer than"),
    ],
)
def test_what_a_job_says(found: dict[str, Any], pods: list[Any], state: str, words: str) -> None:
    said = answer("q", found, pods)
    assert (said.request_id, said.state) == ("q", state)
    assert words in said.message


def test_what_a_pod_says_is_shown_bounded_and_on_one_line() -> None:
    said = answer("q", job(**FAILED), [pod(message="a\n\x1b[31mb" + "x" * 9999)])
    assert "\n" not in said.message
    assert "\x1b" not in said.message
    assert len(said.message) < 300


def test_a_condition_that_is_not_true_says_nothing() -> None:
    found = job(type="Failed")
    found["status"]["conditions"][0]["status"] = "False"
    assert answer("q", found, []).state == "Pending"
