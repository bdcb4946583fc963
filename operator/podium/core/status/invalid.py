"""The status of a ModelDeployment whose spec cannot be read."""

from datetime import datetime
from typing import Any

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Condition, Status
from podium.core.status.conditions import kept


def with_invalid_spec(status: Status, before: Status, flaw: str, generation: int, now: datetime) -> Status:
    """Stalled, and not Ready, whatever serves: it is not known what this generation wants."""
    told = [
        Condition(
            type=kind,
            status="True" if kind == "Stalled" else "False",
            reason=reasons.INVALID_SPEC,
            message=flaw,
            observed_generation=generation,
            last_transition_time=now,
        )
        for kind in ("Ready", "Reconciling", "Stalled")
    ]
    others = [one for one in status.conditions if one.type not in {each.type for each in told}]
    update: dict[str, Any] = {"conditions": [*(kept(one, before) for one in told), *others], "message": flaw}
    return status.model_copy(update={**update, "observed_generation": generation})
