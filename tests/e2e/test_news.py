"""News of a rollout on a real cluster: events wait for a receiver that is down, and arrive signed and in order."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from podium.api.v1alpha1.event_types import DEPLOYED, PROMOTED, REJECTED, ROLLED_BACK, SERVICE_ROLLED_BACK
from podium.api.v1alpha1.schema.events import events_schema
from podium.api.v1alpha1.status import Phase
from testbed.errors import CommandFailed
from testbed.waiting import wait_until
from tests.e2e.rollout import Rollout, clients
from tests.kubectl import Kubectl
from tests.unit.api.test_alerting import INVALID

pytestmark = pytest.mark.cluster

TOKEN = "of-the-board"
# Prints each event that it takes, and whether the signature is that of its very bytes.
RECEIVER = """
import hashlib, hmac, json, os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        made = hmac.new(os.environ["TOKEN"].encode(), body, hashlib.sha256).hexdigest()
        signed = hmac.compare_digest(self.headers["X-Signature"] or "", "sha256=" + made)
        print(json.dumps({"signed": signed, "event": json.loads(body)}), flush=True)
        self.send_response(202)
        self.end_headers()

HTTPServer(("", 8080), Receiver).serve_forever()
"""


@pytest.fixture
def bus(kubectl: Kubectl, images: dict[str, str]) -> Iterator[Kubectl]:
    """A receiver in the test's namespace, without a pod yet, and the Alert that tells it of everything."""
    labels = {"app": "bus"}
    confined = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "bus",
        "image": images["runtime"],
        "command": ["/opt/podium/venv/bin/python", "-c", RECEIVER],
        "env": [{"name": "TOKEN", "value": TOKEN}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        "securityContext": confined,
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    made = {
        ("apps/v1", "Deployment"): {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
        ("v1", "Service"): {"selector": labels, "ports": [{"port": 8080}]},
        ("podium.dev/v1alpha1", "Provider"): {
            "type": "generic-hmac",
            "address": f"http://bus.{kubectl.namespace}:8080/podium",
            "secretRef": {"name": "bus"},
        },
        ("podium.dev/v1alpha1", "Alert"): {"providerRef": {"name": "bus"}, "eventSources": [{"name": "*"}]},
    }
    kubectl("create", "secret", "generic", "bus", f"--from-literal=token={TOKEN}")
    for (version, kind), spec in made.items():
        kubectl.apply(json.dumps({"apiVersion": version, "kind": kind, "metadata": {"name": "bus"}, "spec": spec}))
    yield kubectl
    kubectl("delete", "alert.podium.dev,provider.podium.dev,deployment,service", "bus", "--wait=false")


def taken(kubectl: Kubectl) -> list[dict[str, Any]]:
    lines = kubectl("logs", "deployment/bus", "--tail=-1").splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    assert all(each["signed"] for each in found)
    return [each["event"] for each in found]


def ready(kubectl: Kubectl, kind: str) -> tuple[str, str]:
    conditions = kubectl.get(f"{kind}.podium.dev", "bus").get("status", {}).get("conditions", [])
    return next(((each["status"], each["reason"]) for each in conditions if each["type"] == "Ready"), ("", ""))


def test_what_was_decided_while_the_receiver_was_down_arrives_signed_and_in_order(
    rollout: Rollout, bus: Kubectl, rows: list[bytes]
) -> None:
    rollout.apply("1")
    rollout.settle("1")
    wait_until(
        "the Alert says that the receiver is down", lambda: ready(bus, "alert") == ("False", "DeliveryFailing"), 60
    )
    assert ready(bus, "provider") == ("False", "DeliveryFailing")
    rollout.apply("3")
    with clients(rollout.port, rows):
        rollout.reach(Phase.REJECTED)
    assert rollout.status().outbox.pending
    bus("scale", "deployment/bus", "--replicas=1")
    bus("rollout", "status", "deployment/bus", "--timeout=120s", timeout=150)
    rollout.until("all is told", lambda status: not status.outbox.pending, 180)
    events = list({event["id"]: event for event in taken(bus)}.values())
    kinds = [(event["type"], event["data"].get("version")) for event in events]
    assert kinds[:2] == [(PROMOTED, "1"), (DEPLOYED, None)]
    # Where the champion's own answers decide whose fault it was, its rejection comes after the rollback.
    assert [kind for kind in kinds[2:] if kind[0] != ROLLED_BACK] in (
        [(REJECTED, "3"), (SERVICE_ROLLED_BACK, None)],
        [(SERVICE_ROLLED_BACK, None), (REJECTED, "3")],
    )
    for event in events:
        Draft202012Validator(events_schema()).validate(event)
    assert events[0]["data"]["run_id"]
    wait_until(
        "both say so", lambda: {ready(bus, kind) for kind in ("alert", "provider")} == {("True", "Succeeded")}, 60
    )
    assert TOKEN not in json.dumps(rollout.object())


@pytest.mark.parametrize(("kind", "spec", "named"), INVALID, ids=[f"{each[0]}-{each[2]}" for each in INVALID])
def test_the_api_server_refuses_what_podium_refuses(
    kubectl: Kubectl, crd: str, kind: str, spec: dict[str, Any], named: str
) -> None:
    given = {"apiVersion": "podium.dev/v1alpha1", "kind": kind, "metadata": {"name": "bus"}, "spec": spec}
    with pytest.raises(CommandFailed):
        kubectl("create", "--dry-run=server", "--validate=strict", "--filename=-", stdin=json.dumps(given))
