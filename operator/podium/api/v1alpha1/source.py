"""Where a version comes from."""

from pydantic import Field

from podium.api.v1alpha1.evidence import StatusValue


class Source(StatusValue):
    """Where a version comes from. Another registry or model is another version, whatever its number."""

    registry: str = Field("", description="MLflow tracking URI of the registry that has it.")
    model: str = Field("", description="Name of the registered model.")

    def matches(self, registry: str, model: str) -> bool:
        """Whether it comes from there. What an older Podium wrote down has no source, and matches."""
        return not self.model or (self.registry, self.model) == (registry, model)
