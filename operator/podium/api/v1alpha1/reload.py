"""What became of `serving.reload: InPlace`."""

from pydantic import Field

from podium.api.v1alpha1.evidence import StatusValue


class ReloadResult(StatusValue):
    """What became of `serving.reload: InPlace` for the last version that could have been loaded so."""

    version: str = Field(description="Version of the registered model.")
    digest: str = Field(description="Digest of its artifacts.")
    reason: str = Field(description="Reloaded, ReloadFailed or NewPodsNeeded.")
    message: str = Field(description="What was done, or what was in the way, in one sentence.")
