"""What the bodies of each protocol mean: bytes to a Query, raw predictions to bytes.

One module a protocol; `heads` and `layouts` know what the bodies of a client have in common. None of them knows HTTP
beyond the media type, the queue or the counters.
"""
