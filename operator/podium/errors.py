"""The error tree, by what the caller does next.

PodiumError
 ├─ Temporary            try again later, with backoff
 │   ├─ Unavailable      the other side did not answer
 │   └─ Conflict         another client wrote first: reconcile again at once
 └─ Permanent            trying again changes nothing; a person has to act
     ├─ Rejected          the other side understood and said no
     └─ NotFound          what was named is not there
"""


class PodiumError(Exception):
    """Base of all errors that Podium raises on purpose. `reason`: a constant of api.v1alpha1.reasons, or ""."""

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class Temporary(PodiumError):
    """Try again later, with backoff, and not before `retry_after` seconds where the other side said so."""

    retry_after = 0.0


class Unavailable(Temporary):
    """The other side did not answer, or not now."""

    def __init__(self, message: str, *, reason: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class Conflict(Temporary):
    """Another client wrote first: reconcile again at once."""


class Permanent(PodiumError):
    """Trying again changes nothing; a person has to act."""


class Rejected(Permanent):
    """The other side understood and said no."""


class NotFound(Permanent):
    """What was named is not there."""
