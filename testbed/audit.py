"""The API server's audit log: who wrote what, and when."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

POLICY_ON_NODE = "/etc/kubernetes/podium/audit-policy.yaml"
LOG_ON_NODE = "/var/log/kubernetes/audit.log"

LEASES = [{"group": "coordination.k8s.io", "resources": ["leases"]}]
OWN_PARTS = ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]
# Only writes, once each. What Kubernetes' own parts write all the time about themselves is left out.
POLICY: Mapping[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {"level": "None", "userGroups": ["system:nodes"], "resources": LEASES},
        {"level": "None", "users": OWN_PARTS, "resources": LEASES},
        {"level": "Metadata"},
    ],
}


@dataclass(frozen=True)
class AuditEvent:
    """One write to the API server."""

    time: datetime
    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    user_agent: str
    code: int

    def __str__(self) -> str:
        kind = "/".join(filter(None, [self.group, self.resource, self.subresource]))
        place = "/".join(filter(None, [self.namespace, self.name]))
        return f"{self.time:%H:%M:%S.%f} {self.user} {self.verb} {kind} {place}: {self.code}"


def events(log: str) -> Iterator[AuditEvent]:
    """What the lines of an audit log say. A last line that is not whole yet is left out."""
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        yield _event(entry)


def _event(entry: Mapping[str, Any]) -> AuditEvent:
    target = entry.get("objectRef") or {}
    return AuditEvent(
        time=datetime.fromisoformat(entry["requestReceivedTimestamp"]).astimezone(UTC),
        user=entry.get("user", {}).get("username", ""),
        verb=entry["verb"],
        group=target.get("apiGroup", ""),
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        user_agent=entry.get("userAgent", ""),
        code=entry.get("responseStatus", {}).get("code", 0),
    )
