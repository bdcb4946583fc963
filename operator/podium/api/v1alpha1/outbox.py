"""Events that are still to be delivered: written with the decision that they tell of, so that no crash loses one."""

from typing import Literal

from pydantic import Field

from podium.api.v1alpha1.evidence import StatusValue
from podium.api.v1alpha1.values.base import Time

PENDING_LIMIT = 64
RECEIVERS_LIMIT = 32  # Alerts of one namespace that are served
MESSAGE_LIMIT = 500  # characters
Severity = Literal["info", "error"]


class PendingEvent(StatusValue):
    """One event, with all that is told of it: what Git says later changes nothing of it."""

    sequence: int = Field(0, ge=0, description="Its place among all events of this ModelDeployment.")
    id: str = Field(description="Hash of the transition that it tells of: a repeat has the same one.")
    type: str = Field(description="Type of the CloudEvent.")
    at: Time = Field(description="When it was decided.")
    generation: int = Field(description="metadata.generation that the decision is about.")
    severity: Severity = Field("info", description="As an Alert's eventSeverity filters it.")
    registry: str = Field("", description="MLflow tracking URI of the registry that has the version.")
    model: str = Field("", description="Name of the registered model.")
    version: str = Field("", description="Version that it is about.")
    stage: str = Field("", description="The champion's alias where the version was promoted, and challenger otherwise.")
    origin: str = Field("", description="What logged the version, in MLflow a run, where that is known.")
    from_version: str = Field("", description="Version that traffic left; the champion where none moved.")
    to_version: str = Field("", description="Version that traffic went to; the champion where none moved.")
    template: str = Field("", description="Revision of the pod template, where that was on trial.")
    reason: str = Field("", description="Reason, a documented constant.")
    message: str = Field("", description="Why, in one sentence.")


class Delivery(StatusValue):
    """How far one Alert has come, while others are behind."""

    uid: str = Field(description="UID of the Alert.")
    alert: str = Field("", description="Its name.")
    sequence: int = Field(0, ge=0, description="The last event that it needs no more.")


class Outbox(StatusValue):
    """What is still to be told, in order, and to whom."""

    sequence: int = Field(0, ge=0, description="How many events there have been.")
    dropped: int = Field(0, ge=0, description=f"Events that were dropped, because {PENDING_LIMIT} newer ones waited.")
    pending: list[PendingEvent] = Field(
        [], max_length=PENDING_LIMIT, description="Events that an Alert still has to deliver, the oldest first."
    )
    delivered: list[Delivery] = Field(
        [], max_length=RECEIVERS_LIMIT, description="How far each Alert has come, while an event is pending."
    )
