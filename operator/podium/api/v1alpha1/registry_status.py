"""The last known state of the registry: whose the champion alias is."""

from typing import Final

from pydantic import Field

from podium.api.v1alpha1.evidence import StatusValue
from podium.api.v1alpha1.values.base import Time

REQUESTED_LIMIT: Final = 32


class RegistryStatus(StatusValue):
    """The last known state of the registry."""

    target: str = Field("", description="Registry, model and alias that this is about.")
    requested: list[str] = Field(
        [],
        max_length=REQUESTED_LIMIT,
        description="Versions that Podium has asked the alias to point to, the last one last.",
    )
    requested_at: Time | None = Field(None, description="When the last one was first asked for.")
    alias: str | None = Field(
        None, description="Version to which the alias champion was last seen to point by Podium's own decision."
    )
