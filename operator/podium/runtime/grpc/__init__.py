"""The gRPC port: the Open Inference Protocol version 2, beside the serving port and with its meaning.

What belongs here: listening (`port`), calls as messages on a stream (`calls`, `prefixed`), their codes (`status`), and
the methods (`methods`). What does not: HTTP/2 (`http2`), what a message means (`protocols.calls`) and what becomes of
it (`http.app`, which counts a call as it counts a request). It is there where `PODIUM_GRPC_PORT` is set, and imports
hpack, which comes with an extra of the package.
"""
