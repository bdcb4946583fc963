"""Kubernetes Events about a ModelDeployment. The name is made from what happened, so a repeat is refused as known."""

import hashlib
from datetime import datetime
from typing import Final

from podium.adapters.kubernetes.pod_specs import Json
from podium.api.v1alpha1.manifest import API_VERSION, KIND
from podium.core.actions import Event
from podium.ports import ModelDeployment

_NOTE_LIMIT: Final = 1024  # bytes; the API server refuses longer ones
_CONTROLLER: Final = "podium.dev/operator"


def event_object(md: ModelDeployment, event: Event, instance: str, now: datetime) -> Json:
    """The Event as events.k8s.io/v1 has it."""
    identity = hashlib.sha256(f"{md.uid}/{event.identity}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{md.key.name}.{identity}", "namespace": md.key.namespace},
        "eventTime": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "reportingController": _CONTROLLER,
        "reportingInstance": instance,
        "action": event.reason,
        "reason": event.reason,
        "type": "Warning" if event.warning else "Normal",
        "note": event.message.encode()[:_NOTE_LIMIT].decode(errors="ignore"),
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "namespace": md.key.namespace,
            "name": md.key.name,
            "uid": md.uid,
        },
    }
