"""Evidence that is still to be written to the status."""

from dataclasses import dataclass
from datetime import datetime

from podium.api.v1alpha1.evidence import Evidence


@dataclass(frozen=True)
class UnsavedEvidence:
    """Evidence that is newer than the status's: the status is not written at every reconcile.

    It goes on from what the status held when it was taken, and is worth nothing beside any other status.
    """

    started_at: datetime  # of the trial
    base: datetime | None  # when the evidence in the status was taken
    evidence: Evidence
