"""The JSON Schema of the CloudEvents that tell of decisions: what consumers may rely on."""

from typing import Any, Final

from podium.api.v1alpha1.event_types import CDEVENTS, MODEL_EVENTS, SERVICE_EVENTS
from podium.api.v1alpha1.outbox import MESSAGE_LIMIT
from podium.api.v1alpha1.schema.jsonschema import DIALECT

_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "string", "format": "date-time"}
_VERSION: Final = {"type": "string", "maxLength": 64}


def _object(properties: dict[str, Any], *optional: str, closed: bool = True) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required} | (
        {"additionalProperties": False} if closed else {}
    )


_ENVELOPE: Final[dict[str, Any]] = {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "minLength": 1, "description": "A repeat of the event has the same source and id."},
    "source": {"type": "string", "description": "/namespaces/<namespace>/modeldeployments/<name>"},
    "subject": {"type": "string", "description": "models:/<model>/<version>, or the ModelDeployment of a CDEvent."},
    "time": _TIME,
    "datacontenttype": {"const": "application/json"},
    "sequence": {"type": "string", "pattern": "^[0-9]+$", "description": "Rises with each event of the same source."},
    "sequencetype": {"const": "Integer"},
}
_DATA: Final[dict[str, Any]] = {
    "event_type": {"type": "string", "description": "The type of the CloudEvent again."},
    "model_name": {"type": "string", "description": "Name of the registered model."},
    "version": {"type": "string", "description": "Version that the event is about."},
    "stage": {"type": "string", "description": "The champion's alias where it was promoted; otherwise challenger."},
    "run_id": {"type": "string", "description": "MLflow run that logged the version; empty where it is not known."},
    "timestamp": {"type": "integer", "minimum": 0, "description": "When it was decided, in milliseconds since 1970."},
    "namespace": {"type": "string", "description": "Namespace of the ModelDeployment."},
    "name": {"type": "string", "description": "Name of the ModelDeployment."},
    "from_version": {**_VERSION, "description": "Version that traffic left; the champion where none moved."},
    "to_version": {**_VERSION, "description": "Version that traffic went to; the champion where none moved."},
    "reason": {"type": "string", "maxLength": 64, "description": "Reason, a documented constant."},
    "message": {"type": "string", "maxLength": MESSAGE_LIMIT, "description": "Why, in one sentence."},
    "severity": {"enum": ["info", "error"], "description": "What an Alert's eventSeverity goes by."},
    "generation": {"type": "integer", "description": "metadata.generation that the decision is about."},
    "template": {"type": "string", "description": "Revision of the pod template, where that was on trial."},
}


def events_schema() -> dict[str, Any]:
    """What is sent by POST as application/cloudevents+json."""
    data = _object(_DATA, "template", closed=False)
    context = {"version": {"const": CDEVENTS}, "id": _TEXT, "source": _TEXT, "type": {"enum": list(SERVICE_EVENTS)}}
    content = {"environment": _object({"id": _TEXT}), "artifactId": {"type": "string", "pattern": "^pkg:mlflow/"}}
    subject = {"id": _TEXT, "source": _TEXT, "type": {"const": "service"}, "content": _object(content)}
    cdevent = {
        "context": _object({**context, "timestamp": _TIME}),
        "subject": _object(subject),
        "customData": {"$ref": "#/$defs/decision"},
        "customDataContentType": {"const": "application/json"},
    }
    return {
        "$schema": DIALECT,
        "title": "Events of Podium",
        "description": "CloudEvents 1.0 that tell of decisions, in structured mode. New fields of data may come.",
        "oneOf": [{"$ref": "#/$defs/modelEvent"}, {"$ref": "#/$defs/serviceEvent"}],
        "$defs": {
            "decision": data,
            "cdevent": _object(cdevent),
            "modelEvent": _object(
                {**_ENVELOPE, "type": {"enum": list(MODEL_EVENTS)}, "data": {"$ref": "#/$defs/decision"}}
            ),
            "serviceEvent": _object(
                {**_ENVELOPE, "type": {"enum": list(SERVICE_EVENTS)}, "data": {"$ref": "#/$defs/cdevent"}}
            ),
        },
    }
