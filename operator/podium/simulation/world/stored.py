"""A ModelDeployment as the API server stores it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import PodTemplate, Status
from podium.core.facts import Key
from podium.core.once import Once
from podium.ports import ModelDeployment


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
    once: Once = field(default_factory=Once)
    _last: tuple[object, ModelDeployment] | None = None  # as it was read the last time, and what that was made from

    def seen(self, key: Key, template: PodTemplate | None) -> ModelDeployment:
        """As a client reads it; `template` is what the operator would make its pods from."""
        now = (self.version, self.generation, self.deleting, self.held, self.spec, self.status, self.flaw, template)
        if self._last is None or self._last[0] != now:
            self._last = now, self._made(key, template)
        return self._last[1]

    def _made(self, key: Key, template: PodTemplate | None) -> ModelDeployment:
        return ModelDeployment(
            key=key,
            uid=self.uid,
            generation=self.generation,
            resource_version=str(self.version),
            created=self.created,
            deleting=self.deleting,
            has_finalizer=self.held,
            spec=self.spec,
            status=self.status,
            flaw=self.flaw,
            written=self.given if self.flaw and isinstance(self.given, Mapping) else None,
            template=template,
        )


def read(given: Mapping[str, Any] | Spec) -> tuple[Spec | None, str]:
    """The spec, or why it cannot be read."""
    try:
        return (given if isinstance(given, Spec) else Spec.model_validate(given)), ""
    except ValidationError as error:
        return None, f"spec cannot be read: {error.errors()[0]['msg']}"
