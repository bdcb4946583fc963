"""Faults as answers, in the shape that each protocol's clients read."""

import orjson

from podium.runtime.exchange import JSON, Response
from podium.runtime.faults import Fault


def refusal(fault: Fault, path: str = "", *headers: tuple[bytes, bytes]) -> Response:
    """Turn a Fault into an answer: `error` for the Open Inference Protocol, MLflow's two fields for all others."""
    body = (
        {"error": fault.message}
        if path.startswith("/v2")
        else {
            "error_code": type(fault).__name__,
            "message": fault.message,
        }
    )
    extra = list(headers)
    if fault.retry_after is not None:
        extra.append((b"retry-after", b"%d" % fault.retry_after))
    return Response(fault.status, orjson.dumps(body), JSON, extra, type(fault))
