"""What the bodies of each protocol mean: bytes to a Query, raw predictions to bytes.

One module a protocol. None of them knows HTTP beyond the media type, the queue or the counters.
"""
