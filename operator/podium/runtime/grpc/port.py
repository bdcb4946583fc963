"""Listen for gRPC beside HTTP, from before the model is loaded until the last answer is out."""

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc import aio

from podium.runtime.exits import Exit, StartError
from podium.runtime.grpc.methods import Methods
from podium.runtime.http.app import App
from podium.runtime.settings import Settings

log = logging.getLogger(__name__)

_STREAMS = 1000  # calls of one connection at a time


@contextlib.asynccontextmanager
async def listening(app: App, settings: Settings) -> AsyncIterator[None]:
    """Answer calls while the block runs, and finish those that are owed at its end.

    Raises StartError: the port cannot be had.
    """
    server = aio.server(options=_options(settings))
    server.add_generic_rpc_handlers((Handlers(Methods(app, settings)),))
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        port = server.add_insecure_port(f"{host}:{settings.grpc_port}")
    except RuntimeError as error:
        reason = f"{host}:{settings.grpc_port} cannot be listened on for gRPC"
        raise StartError(Exit.PORT_UNAVAILABLE, reason) from error
    await server.start()
    log.info("listening for gRPC on %s:%d", host, port)
    try:
        yield
    finally:
        await server.stop(settings.request_seconds)


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", settings.max_body_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_concurrent_streams", _STREAMS),
        ("grpc.so_reuseport", 0),
    ]


class Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpcio is untyped
    """The methods by their paths; bytes in and out."""

    def __init__(self, methods: Methods) -> None:
        service = "/inference.GRPCInferenceService/"
        unary = {
            f"{service}ServerLive": methods.server_live,
            f"{service}ServerReady": methods.server_ready,
            f"{service}ModelReady": methods.model_ready,
            f"{service}ServerMetadata": methods.server_metadata,
            f"{service}ModelMetadata": methods.model_metadata,
            f"{service}ModelInfer": methods.model_infer,
            "/grpc.health.v1.Health/Check": methods.check,
        }
        self._handlers = {
            **{path: grpc.unary_unary_rpc_method_handler(method) for path, method in unary.items()},
            f"{service}ModelStreamInfer": grpc.stream_stream_rpc_method_handler(methods.model_stream_infer),
        }

    def service(self, details: Any) -> Any:
        """Return what answers a call, or None where there is no such method."""
        return self._handlers.get(details.method)
