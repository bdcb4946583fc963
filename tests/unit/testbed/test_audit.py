"""The audit log holds writes and nothing else, and is read as it was written."""

import json
from datetime import UTC, datetime

from testbed import audit

LINE = json.dumps(
    {
        "requestReceivedTimestamp": "2026-01-05T09:00:00.250000Z",
        "verb": "patch",
        "user": {"username": "system:serviceaccount:podium:podium"},
        "userAgent": "podium/0.1",
        "objectRef": {
            "apiGroup": "podium.dev",
            "resource": "modeldeployments",
            "subresource": "status",
            "namespace": "ml",
            "name": "churn",
        },
        "responseStatus": {"code": 200},
    }
)


def test_an_event_says_who_wrote_what_and_when() -> None:
    (event,) = audit.events(LINE)
    assert event.time == datetime(2026, 1, 5, 9, 0, 0, 250000, tzinfo=UTC)
    assert (event.user, event.verb) == ("system:serviceaccount:podium:podium", "patch")
    assert (event.group, event.resource, event.subresource) == ("podium.dev", "modeldeployments", "status")
    assert (event.namespace, event.name, event.code) == ("ml", "churn", 200)


def test_an_event_reads_as_one_line() -> None:
    (event,) = audit.events(LINE)
    assert str(event).endswith("patch podium.dev/modeldeployments/status ml/churn: 200")


def test_a_line_that_is_still_being_written_is_left_out() -> None:
    assert len(list(audit.events(f"{LINE}\n{LINE[:40]}"))) == 1


def test_reads_are_not_logged() -> None:
    assert audit.POLICY["rules"][0] == {"level": "None", "verbs": ["get", "list", "watch"]}


def test_only_leases_of_kubernetes_own_parts_are_left_out_of_the_writes() -> None:
    *silent, rest = audit.POLICY["rules"][1:]
    assert rest == {"level": "Metadata"}
    assert all(rule["resources"] == audit.LEASES and ("users" in rule) != ("userGroups" in rule) for rule in silent)
