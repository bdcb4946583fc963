"""A ModelDeployment as the API server stores it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Status


@dataclass
class Stored:
    """What was applied, what can be read of it, and what only the server writes."""

    uid: str
    given: Mapping[str, Any] | Spec
    created: datetime
    version: int
    spec: Spec | None = None  # as far as it can be read
    flaw: str = ""
    generation: int = 1
    held: bool = False
    deleting: bool = False
    status: Status = field(default_factory=Status)


def read(given: Mapping[str, Any] | Spec) -> tuple[Spec | None, str]:
    """The spec, or why it cannot be read."""
    try:
        return (given if isinstance(given, Spec) else Spec.model_validate(given)), ""
    except ValidationError as error:
        return None, f"spec cannot be read: {error.errors()[0]['msg']}"
