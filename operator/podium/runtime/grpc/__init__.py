"""The gRPC port: the Open Inference Protocol version 2, beside the serving port and with its meaning.

What belongs here: listening, the methods, status codes, deadlines and metadata. What does not: what a message means
(`protocols.calls`) and what becomes of it (`http.app`, which counts a call as it counts a request). It is there where
`PODIUM_GRPC_PORT` is set, and imports grpcio, which is an extra of the package.
"""
