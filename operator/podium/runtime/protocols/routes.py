"""Which path means what, once the model is known: a flat table, because its name and version are in the paths."""

import functools
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import mlflow
import orjson

from podium.runtime.exchange import JSON, Response
from podium.runtime.identity import Identity
from podium.runtime.prediction.model import Model
from podium.runtime.prediction.scoring import Read
from podium.runtime.protocols import answers, calls, inference, invocations, items
from podium.runtime.protocols.openapi import document

Page = Callable[[bool], Response]  # given whether the server is ready


@dataclass(frozen=True, slots=True)
class EventDoor:
    """A path that can answer by events."""

    asked: Callable[[bytes], bool]  # whether a body asks for them
    read: Read


@dataclass(frozen=True, slots=True)
class About:
    """What can be told of the served model."""

    identity: Identity
    model: Model
    loading: dict[str, Any] = field(default_factory=dict)  # how it was found: requirements, source, cache


def endpoints(identity: Identity) -> dict[str, Read]:
    """Return what a POST means, by path."""
    infer = inference.reader(identity.model, identity.version)
    return {
        "/invocations": invocations.reader(),
        "/api/v1/predict": items.one(identity.model, identity.version),
        "/api/v1/batch": items.many(identity.model, identity.version),
        **{f"{path}/infer": infer for path in _model_paths(identity)},
    }


def binaries(identity: Identity) -> dict[str, Callable[[bytes], Read]]:
    """Return what a POST means, by path, where bytes follow the JSON, given the JSON's length."""
    infer = inference.binary_reader(identity.model, identity.version)
    return {f"{path}/infer": infer for path in _model_paths(identity)}


def rpcs(identity: Identity) -> dict[str, Read]:
    """Return what a ModelInfer of gRPC means, by the path that says the same."""
    infer = calls.reader(identity.model, identity.version)
    return {f"{path}/infer": infer for path in _model_paths(identity)}


def streams() -> dict[str, Read]:
    """Return what a POST means, by path, where the client asks for lines."""
    return {"/api/v1/batch": items.many_streamed}


def events(model: Model) -> dict[str, EventDoor]:
    """Return what a POST means, by path, where its body asks for events: a model that streams has one such path."""
    return {"/invocations": EventDoor(invocations.asks_for_events, invocations.read_events)} if model.streams else {}


def pages(about: About) -> dict[str, Page]:
    """Return what a GET shows, by path. All but the readiness is written once."""
    told = _page(_metadata(about))
    who = about.identity
    openapi = _page(document(who, _model_paths(who), about.model.inputs, about.model.outputs))
    ready = functools.partial(_ready, who)
    return {
        "/version": lambda _: Response(HTTPStatus.OK, mlflow.__version__.encode()),
        "/openapi.json": openapi,
        "/v2": _page({"name": "podium", "version": _own_version(), "extensions": ["binary_tensor_data"]}),
        **dict.fromkeys(_model_paths(who), told),
        **{f"{path}/ready": ready for path in _model_paths(who)},
    }


def _model_paths(identity: Identity) -> list[str]:
    """Return the paths of the model and of its version, in the one spelling that requests are brought to."""
    path = f"/v2/models/{urllib.parse.quote(identity.model, safe='')}"
    return [path, f"{path}/versions/{urllib.parse.quote(identity.version, safe='')}"]


def _page(value: dict[str, Any]) -> Page:
    answer = Response(HTTPStatus.OK, orjson.dumps(value), JSON)
    return lambda _: answer


def _ready(identity: Identity, ready: bool) -> Response:
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(status, orjson.dumps({"name": identity.model, "ready": ready}), JSON)


def _metadata(about: About) -> dict[str, Any]:
    model, who = about.model, about.identity
    return {
        "name": who.model,
        "versions": [who.version],
        "platform": f"mlflow_{model.platform}",
        "inputs": answers.tensors_of(model.inputs, "input"),
        "outputs": answers.tensors_of(model.outputs, "output"),
        "podium": {
            "run_id": who.run_id,
            "digest": who.digest,
            "planned": model.plan is not None,
            **about.loading,
        },
    }


def _own_version() -> str:
    try:
        return version("podium")
    except PackageNotFoundError:  # run from its sources, as in the image
        return "0"
