"""An event of the outbox as a CloudEvent 1.0; what CDEvents defines in the form of CDEvents.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
https://github.com/cdevents/spec/blob/v0.4.1/cloudevents-binding.md
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from podium.api.v1alpha1.event_types import CDEVENTS, SERVICE_EVENTS
from podium.api.v1alpha1.outbox import PendingEvent
from podium.api.v1alpha1.values.base import format_time
from podium.core.facts import Key


def cloud_event(uid: str, key: Key, event: PendingEvent) -> Mapping[str, Any]:
    """The event in structured mode. A repeat has the same source and id, and is the same in every byte."""
    service = event.type in SERVICE_EVENTS
    envelope = {
        "specversion": "1.0",
        "id": f"{uid}.{event.id}",
        "source": f"/namespaces/{key.namespace}/modeldeployments/{key.name}",
        "type": event.type,
        "subject": key.name if service else f"models:/{event.model}/{event.version}",
        "time": format_time(event.at),
        "datacontenttype": "application/json",
        "sequence": str(
            event.sequence
        ),  # https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/sequence.md
        "sequencetype": "Integer",
    }
    return {**envelope, "data": _cdevent(envelope, key, event) if service else _data(key, event)}


def _data(key: Key, event: PendingEvent) -> Mapping[str, Any]:
    template = {"template": event.template} if event.template else {}
    return {
        "event_type": event.type,
        "model_name": event.model,
        "version": event.version,
        "stage": event.stage,
        "run_id": event.origin,
        "timestamp": round(event.at.timestamp() * 1000),
        "namespace": key.namespace,
        "name": key.name,
        "from_version": event.from_version,
        "to_version": event.to_version,
        "reason": event.reason,
        "message": event.message,
        "severity": event.severity,
        "generation": event.generation,
        **template,
    }


def _cdevent(envelope: Mapping[str, str], key: Key, event: PendingEvent) -> Mapping[str, Any]:
    source = envelope["source"]
    context = {"version": CDEVENTS, "id": envelope["id"], "source": source, "type": event.type}
    content = {"environment": {"id": key.namespace}, "artifactId": artifact_id(event)}
    return {
        "context": {**context, "timestamp": envelope["time"]},
        "subject": {"id": key.name, "source": source, "type": "service", "content": content},
        "customData": _data(key, event),
        "customDataContentType": "application/json",
    }


def artifact_id(event: PendingEvent) -> str:
    """The version as a package URL, without a login that the registry's address may hold.

    https://github.com/package-url/purl-spec/blob/main/types-doc/mlflow-definition.md
    """
    name, version = quote(event.model, safe=""), quote(event.version, safe="")
    found = urlsplit(event.registry)
    bare = found._replace(netloc=found.netloc.rpartition("@")[2], query="", fragment="").geturl()
    return f"pkg:mlflow/{name}@{version}" + (f"?repository_url={quote(bare, safe=':/')}" if bare else "")
