"""What a person says of one version on trial. It names that version: left over, it says nothing of the next one."""

from typing import Annotated

from pydantic import Field

from podium.api.v1alpha1.spec.model import ModelName, VersionNumber
from podium.api.v1alpha1.values.base import Value
from podium.api.v1alpha1.values.rules import Rule

_LINE = r"^[^\x00-\x1f\x7f-\x9f]+$"  # Events and terminals show it
Author = Annotated[str, Field(min_length=1, max_length=256, pattern=_LINE, examples=["alice"])]
Why = Annotated[str, Field(min_length=1, max_length=256, pattern=_LINE, examples=["the price list was wrong"])]


class Word(Value):
    """A person's word on one version: who says it, and why."""

    version: VersionNumber = Field(description="Version of the registered model that it is about.")
    model: ModelName | None = Field(None, description="Its model. Without it, the one that spec.model.name names now.")
    by: Author | None = Field(None, description="Who says so.")
    reason: Why | None = Field(None, description="Why.")


class Abort(Word):
    """Takes a version out of traffic at once, and keeps it out for as long as this names it."""

    template: str | None = Field(
        None,
        max_length=64,
        pattern=r"^[0-9a-z]+$",
        description="Revision of the pod template (`status.challenger.template.revision`), where that is on trial with "
        "the champion's own version: the template alone is kept out.",
    )


class Promote(Word):
    """Lets a version on trial go on without the time and evidence of its steps; never over a guard that is Failed."""

    RULES = (
        Rule(
            "has(self.skipSteps) != (has(self.full) && self.full)",
            "exactly one of skipSteps and full is needed",
            lambda said: (said.skip_steps is not None) != said.full,
        ),
    )

    skip_steps: int | None = Field(
        None,
        ge=0,
        le=20,
        description="So many steps are skipped, from the first one on; 0 is the time for testers alone.",
    )
    full: bool = Field(
        False, description="All steps that are left are skipped: the version is promoted once all its pods are ready."
    )
    trial_started_at: str | None = Field(
        None,
        max_length=24,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z$",
        description="The trial that it is about, by `status.trial.startedAt`. Without it, any of the version, and "
        "none that is of a pod template.",
        examples=["2026-01-05T09:00:04Z"],
    )
