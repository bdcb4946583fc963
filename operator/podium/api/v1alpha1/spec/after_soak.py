"""How the champion is watched once its soak is over."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from podium.api.v1alpha1.values.base import Duration, Value, duration_between

OnFailure = Literal["Alert", "RollBack"]


class AfterSoak(Value):
    """The guards' limits of the version alone (`atMost`), tested for as long as it is champion."""

    on_failure: OnFailure = Field(
        "Alert",
        description="What a failed guard does beside the condition Degraded and an Event: Alert nothing more, RollBack "
        "starts the former champion by its pinned digest, and moves the traffic to it once it is ready.",
    )
    interval: Annotated[Duration, duration_between("5s", "10m")] = Field(
        timedelta(seconds=15),
        description="Time between two looks at the answers of the champion's pods. Each look asks every pod once.",
    )
    false_alarm_interval: Annotated[Duration, duration_between("24h", "87600h")] = Field(
        timedelta(hours=8760),
        description="Mean time to a false alarm is at least this, all guards together (the average run length, ARL, of "
        "the literature).",
    )
