"""MLflow as the demo looks at it: by plain HTTP, with no more than it takes."""

import json
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

_API = "/api/2.0/mlflow"
_TIMEOUT = 30  # seconds


def healthy(uri: str) -> bool:
    """Whether it answers."""
    try:
        with urlopen(f"{uri}/health", timeout=_TIMEOUT):  # noqa: S310  http only
            return True
    except OSError:
        return False


def forget(uri: str, model: str) -> None:
    """Delete the registered model with all its versions, so that the next one is version 1."""
    try:
        _call(uri, "DELETE", "/registered-models/delete", {"name": model})
    except HTTPError as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise


def point(uri: str, model: str, alias: str, version: str) -> None:
    """Let the alias point to the version."""
    _call(uri, "POST", "/registered-models/alias", {"name": model, "alias": alias, "version": version})


def alias_of(uri: str, model: str, alias: str) -> str:
    """The version to which the alias points."""
    query = urlencode({"name": model, "alias": alias})
    return str(_call(uri, "GET", f"/registered-models/alias?{query}")["model_version"]["version"])


def tags_of(uri: str, model: str, version: str) -> dict[str, str]:
    """The version's own tags."""
    query = urlencode({"name": model, "version": version})
    found = _call(uri, "GET", f"/model-versions/get?{query}")["model_version"].get("tags") or []
    return {tag["key"]: tag["value"] for tag in found}


def _call(uri: str, method: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{uri}{_API}{path}", data, {"Content-Type": "application/json"}, method=method)  # noqa: S310  http only
    with urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310  http only
        return json.loads(answer.read() or b"{}")
