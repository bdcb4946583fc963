"""The spec that a trial keeps, for a rollback while the present one cannot be read.

That is so after a CRD of a newer release, or a downgrade of the operator.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Trial


def recorded(spec: Spec) -> Mapping[str, Any]:
    """The spec as a trial keeps it."""
    return spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def trial_spec(trial: Trial | None) -> Spec | None:
    """The last spec of the trial that could be read, paused: a rollback follows it, and nothing progresses by it."""
    if trial is None or not trial.spec:
        return None
    try:
        return Spec.model_validate({**trial.spec, "paused": True})
    except ValidationError:
        return None  # it was recorded by a newer operator, whose spec this one cannot read either
