"""What the champion's own answers decide: whether a version that failed a guard is rejected, and an outage is over."""

from pydantic import Field

from podium.api.v1alpha1.evidence import Evidence, StatusValue, TestState
from podium.api.v1alpha1.source import VersionRecord
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.values.base import Time


class SharedOutage(StatusValue):
    """A guard that the champion fails too: no version is tried before the champion passes it again."""

    since: Time = Field(description="Since when.")
    message: str = Field(description="What was seen.")
    version: str = Field("", description="The version that was on trial.")
    digest: str = Field("", description="Digest of its artifacts. An alias that moves to other ones ends the wait.")
    guards: list[Guard] = Field(description="The guards that the champion has to pass again.")
    spec_hash: str = Field("", description="Hash of the spec at that time. A changed spec ends the wait.")
    false_promotion_rate: float = Field(0.05, description="Probability that it passes them wrongly.")
    evidence: Evidence = Field(Evidence(), description="What the champion has answered since it recovered.")


class Suspicion(VersionRecord):
    """A version that failed a guard and lost its traffic: the champion's own answers decide whether it is rejected."""

    since: Time = Field(description="When its traffic went back.")
    until: Time = Field(description="Until when it waits for the champion's answers. Then the version is held instead.")
    rejection_hash: str = Field(
        description="Hash of gates, guards and retry under which it failed. A change of them ends the suspicion."
    )
    guards: list[Guard] = Field(description="The guards that it failed.")
    false_rollback_rate: float = Field(0.01, description="Probability that it is rejected wrongly.")
    false_promotion_rate: float = Field(0.05, description="Probability that the champion is suspected wrongly.")
    tests: list[TestState] = Field(
        [], description="What both sides answered until its traffic went back, by criterion."
    )
    evidence: Evidence = Field(Evidence(), description="What the champion has answered since then.")
