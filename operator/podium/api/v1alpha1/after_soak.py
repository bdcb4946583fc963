"""What is known of a champion after its soak: the evidence of its watch, and the failure that it found."""

from typing import Literal

from pydantic import Field

from podium.api.v1alpha1.evidence import Evidence, StatusValue, TestState
from podium.api.v1alpha1.source import ModelVersion
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.values.base import Time

# Whether the former champion takes the champion's place: it was not tried, it starts, or it could not.
Return = Literal["None", "Begun", "Ended"]


class ChampionFailure(StatusValue):
    """A guard that the champion has failed after its soak, or a single fact that says as much."""

    since: Time = Field(description="When it was found.")
    reason: str = Field(description="Reason, a documented constant.")
    message: str = Field(description="What was found, in one sentence.")
    guards: list[str] = Field([], description="Names of the guards that failed.")
    tests: list[TestState] = Field([], description="What the champion answered since it was under suspicion.")
    own: bool = Field(False, description="True where the fault is certain to be the version's own, as a crash is.")
    returned: Return = Field("None", description="Whether the former champion was started in its place.")
    why_not: str = Field("", max_length=1024, description="Why it could not take the place; empty where it may.")


class ChampionWatch(ModelVersion):
    """The watch of one champion after its soak. Another champion, or other guards, begin another one."""

    since: Time = Field(description="When it began.")
    terms_hash: str = Field(description="Hash of the guards and of spec.rollout.afterSoak as they were then.")
    guards: list[Guard] = Field(description="The guards that have a limit of the version alone.")
    false_promotion_rate: float = Field(0.05, description="Probability that a failure is taken for over wrongly.")
    evidence: Evidence = Field(
        Evidence(), description="State of its tests; while a guard is failed, what the champion answered since."
    )
    unread: list[str] = Field([], description="Names of the guards for which nothing could be read at the last look.")
    unread_since: Time | None = Field(None, description="Since when that is so; absent while all are read.")
    failure: ChampionFailure | None = Field(
        None, description="What it has found; absent while every guard is kept, and once it is kept again."
    )
