"""The steps of a trial that ended by a person's word."""

from pydantic import Field

from podium.api.v1alpha1.evidence import StatusValue


class SkippedSteps(StatusValue):
    """Steps that ended before their time, or without the evidence that they ask for."""

    steps: list[int] = Field([], description="Their numbers, from 1; 0 is the time for testers alone.")
    by: str | None = Field(None, description="Who let it skip the last one of them.")
    reason: str | None = Field(None, description="Why.")
