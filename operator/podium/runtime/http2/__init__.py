"""HTTP/2 with prior knowledge (RFC 9113), for what needs it: gRPC. The serving port itself speaks HTTP/1.1.

What belongs here: frames, header blocks, streams, flow control in both directions, and the life of a connection. What
does not: what is said on a stream (`grpc`), TLS, server push and priorities. The limits and the counts are those of
`http.shared`, so that both ports together stay below them.

    connection       the transport, its deadlines, and how a connection ends
    incoming         frames from the client: what each means, and what it may not be
    outgoing         answers to the client, as fast as it takes them
    stream           one request and its answer
    headers          header blocks (RFC 7541), read and written
    frames           frames as bytes, and the errors of the protocol
"""
