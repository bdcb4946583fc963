"""What the status says of the traffic: the challenger's share, and the version that has lost its own."""

from pydantic import Field

from podium.api.v1alpha1.evidence import StatusValue
from podium.api.v1alpha1.values.base import Time


class Weight(StatusValue):
    """The challenger's share of the traffic."""

    desired: int = Field(0, ge=0, le=100, description="Percent that the router is configured for.")
    current: int = Field(0, ge=0, le=100, description="Percent of the serving endpoints that are the challenger's.")


class Draining(StatusValue):
    """A version behind a gateway that has lost its traffic, and is stopped once it has drained."""

    weight_removed_at: Time = Field(description="When it was first seen without a weight.")
    quiet_since: Time = Field(description="Since when it has had no weight and given no answer.")
    answers: int = Field(0, description="What its pods had answered until then.")
