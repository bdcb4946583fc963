"""The OpenAPI document of one served version: made from its signature, so that clients see its columns and types."""

from typing import Any

from mlflow.types import DataType, Schema

from podium.runtime.identity import Identity
from podium.runtime.protocols.bodies import CSV, JSON, PARQUET
from podium.runtime.protocols.tensors import DATATYPES

NDJSON = "application/x-ndjson"
_TYPES: dict[DataType, dict[str, Any]] = {
    DataType.double: {"type": "number", "format": "double"},
    DataType.float: {"type": "number", "format": "float"},
    DataType.long: {"type": "integer", "format": "int64"},
    DataType.integer: {"type": "integer", "format": "int32"},
    DataType.boolean: {"type": "boolean"},
    DataType.string: {"type": "string"},
    DataType.binary: {"type": "string", "format": "byte"},
    DataType.datetime: {"type": "string", "format": "date-time"},
}
_ERROR_NAMES = {
    "400": "The request does not fit the model's signature, or is no JSON.",
    "408": "The request did not arrive in time.",
    "413": "The body is too large.",
    "415": "The body is of a media type that is not read here.",
    "500": "The model could not answer: it raised, or answered NaN, or another shape than its signature's.",
    "503": "No room or no time: try again after `retry-after` seconds.",
}


def document(who: Identity, paths: list[str], inputs: Schema | None, outputs: Schema | None) -> dict[str, Any]:
    """Return the document, OpenAPI 3.1. `paths` are those of the model and of its version."""
    item = _item(inputs)
    infer = _post("Infer (Open Inference Protocol)", _infer_body(), _object("An inference response."), "ServerError")
    about = {"get": _get("The model's metadata (Open Inference Protocol)")}
    ready = {"get": _get("Whether this model version is ready")}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{who.model} {who.version}",
            "version": who.version,
            "description": "A model version, served by Podium.",
        },
        "paths": {
            "/invocations": {"post": _invocations(item, outputs)},
            "/api/v1/predict": {"post": _post("Predict one item", {JSON: {"schema": item}}, _prediction(outputs))},
            "/api/v1/batch": {"post": _batch(item, outputs)},
            **{f"{path}/infer": {"post": infer} for path in paths},
            **dict.fromkeys(paths, about),
            **{f"{path}/ready": ready for path in paths},
            **{path: {"get": _get(text)} for path, text in _PAGES.items()},
        },
        "components": {"schemas": {"Error": _ERROR, "ServerError": _SERVER_ERROR}},
    }


_PAGES = {
    "/v2": "The server's metadata (Open Inference Protocol)",
    "/v2/health/live": "Whether the server lives",
    "/v2/health/ready": "Whether the server is ready",
    "/healthz": "Whether the process lives, also while it loads",
    "/readyz": "Whether the model answers; false from SIGTERM on",
    "/ping": "Whether the model is loaded, as MLflow says it",
    "/health": "Whether the model is loaded, as MLflow says it",
    "/version": "The version of MLflow",
    "/metrics": "Counters in Prometheus's text format",
    "/openapi.json": "This document",
}
_ERROR = {
    "type": "object",
    "required": ["error_code", "message"],
    "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
}
_SERVER_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}


def _object(description: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "description": description, "properties": properties}


def _item(schema: Schema | None) -> dict[str, Any]:
    """Return the JSON Schema of one row."""
    if schema is None or not schema.has_input_names():
        return {"oneOf": [{"type": "array"}, {"type": "object"}]} if schema is None else {"type": "array"}
    return {
        "type": "object",
        "properties": {str(spec.name): _cell(spec) for spec in schema.inputs},
        "required": [str(spec.name) for spec in schema.inputs if spec.required],
        "additionalProperties": False,
    }


def _cell(spec: Any) -> dict[str, Any]:
    if hasattr(spec, "shape"):
        return {"type": "array"}
    return _TYPES.get(spec.type, {}) if isinstance(spec.type, DataType) else {}


def _answers(outputs: Schema | None) -> dict[str, Any]:
    """Return the JSON Schema of one prediction."""
    if outputs is None or len(outputs.inputs) != 1 or not hasattr(outputs.inputs[0], "type"):
        return {}
    return _cell(outputs.inputs[0]) if not hasattr(outputs.inputs[0], "shape") else {}


def _prediction(outputs: Schema | None) -> dict[str, Any]:
    text = {"type": "string"}
    return _object("A prediction, and who made it.", prediction=_answers(outputs), model=text, version=text)


def _invocations(item: dict[str, Any], outputs: Schema | None) -> dict[str, Any]:
    rows = {"type": "array", "items": item}
    split = _object("pandas, orient=split", columns={"type": "array"}, data={"type": "array"}, index={"type": "array"})
    forms = {"dataframe_split": split, "dataframe_records": rows, "instances": {}, "inputs": {}}
    one_of = [
        {"type": "object", "required": [form], "properties": {form: schema, "params": {"type": "object"}}}
        for form, schema in forms.items()
    ]
    text = {"schema": {"type": "string"}}
    answer = _object(
        "The predictions, as MLflow writes them.",
        predictions=_answers(outputs) and {"type": "array", "items": _answers(outputs)},
    )
    content = {
        JSON: {"schema": {"oneOf": one_of}},
        CSV: text,
        PARQUET: {"schema": {"type": "string", "format": "binary"}},
    }
    return _post("Predict (MLflow's protocol)", content, answer)


def _batch(item: dict[str, Any], outputs: Schema | None) -> dict[str, Any]:
    body = {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "minItems": 1, "items": item}, "params": {"type": "object"}},
    }
    by_item = {"items": _answers(outputs), "description": "One an item, where the model answers so"}
    operation = _post(
        "Predict many items, in order",
        {JSON: {"schema": body}},
        _object("The predictions, and who made them.", predictions=by_item),
    )
    operation["responses"]["200"]["content"][NDJSON] = {"schema": {"type": "string"}}
    return operation


def _infer_body() -> dict[str, Any]:
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            "datatype": {"enum": sorted(DATATYPES)},
            "data": {"type": "array"},
        },
    }
    return {
        JSON: {
            "schema": {
                "type": "object",
                "required": ["inputs"],
                "properties": {"id": {"type": "string"}, "inputs": {"type": "array", "minItems": 1, "items": tensor}},
            }
        }
    }


def _post(summary: str, content: dict[str, Any], answer: dict[str, Any], error: str = "Error") -> dict[str, Any]:
    wrong = {"schema": {"$ref": f"#/components/schemas/{error}"}}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {"description": "Predicted.", "content": {JSON: {"schema": answer}}},
            **{code: {"description": text, "content": {JSON: wrong}} for code, text in _ERROR_NAMES.items()},
        },
    }


def _get(summary: str) -> dict[str, Any]:
    unready = {"description": "Not ready."}
    return {"summary": summary, "responses": {"200": {"description": "Yes, or the page."}, "503": unready}}
