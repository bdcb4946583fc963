"""Approvals: which version a person approves, for the gates that ask for it."""

from typing import Annotated

from pydantic import Field

from podium.api.v1alpha1.spec.model import ModelName, VersionNumber
from podium.api.v1alpha1.values.base import Value

Person = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s\x00-\x1f\x7f-\x9f]+$", examples=["alice"])]


class Approval(Value):
    """A person's approval of a version: a reviewed commit."""

    version: VersionNumber = Field(description="Version of the registered model that is approved.")
    by: Person = Field(description="Who approves it.")
    model: ModelName | None = Field(None, description="Its model. Without it, the one that spec.model.name names now.")
    digest: str | None = Field(
        None,
        max_length=71,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="Digest of its artifacts: the approval counts for these alone. Without it, for any.",
    )


Approvals = Annotated[list[Approval], Field(max_length=64)]
