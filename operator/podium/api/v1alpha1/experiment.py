"""What became of an experiment: its arms, and which of them is the best."""

from typing import Literal

from pydantic import Field

from podium.api.v1alpha1.evidence import Slot, StatusValue
from podium.api.v1alpha1.outage import Suspicion
from podium.api.v1alpha1.trial import Pinned, Trial, Verdict
from podium.api.v1alpha1.values.base import Time

Role = Literal["Challenger", "Best", "Beaten", "Out"]


class Arm(StatusValue):
    """One challenger of an experiment, in a slot of its own."""

    pinned: Pinned = Field(description="The version.")
    slot: Slot = Field(description="Slot (Deployment and Service) where it runs.")
    role: Role = Field(
        "Challenger",
        description="Whether it is still judged, the best of them, not as good, or out for the reason of `verdict`.",
    )
    weight: int = Field(ge=0, le=100, description="Percent of the traffic that it gets while it is judged.")
    shadow: float = Field(0, description="Share of the requests of which it gets a copy; none in an experiment.")
    trial: Trial | None = Field(None, description="What was counted of it, on which terms; absent before it begins.")
    verdict: Verdict | None = Field(None, description="Why it is out; absent otherwise.")
    suspected: Suspicion | None = Field(
        None, description="What it failed, while the champion's own answers decide whether it is rejected."
    )
    out_at: Time | None = Field(None, description="When its traffic was taken away; absent until then.")

    @property
    def judged(self) -> bool:
        """Whether it may have traffic."""
        return self.role == "Challenger"


class ExperimentProgress(StatusValue):
    """How far an experiment has come."""

    experiment_hash: str = Field(description="Hash of the arms and of the model as Git has them.")
    started_at: Time | None = Field(None, description="When its arms were started; absent before all passed the gates.")
    routed_at: Time | None = Field(None, description="When all its arms were ready, and got traffic.")
    ended_at: Time | None = Field(None, description="When it ended; absent until then.")
    winner: str = Field("", description="Version that is the best; empty before the end, and where every arm is out.")
    message: str = Field("", description="How it ended, in one sentence.")
