"""Where a version comes from, and which one it is."""

from typing import Any

from pydantic import Field

from podium.api.v1alpha1.evidence import StatusValue


class Source(StatusValue):
    """Where a version comes from. Another registry or model is another version, whatever its number."""

    registry: str = Field("", description="MLflow tracking URI of the registry that has it.")
    model: str = Field("", description="Name of the registered model.")

    def matches(self, registry: str, model: str) -> bool:
        """Whether it comes from there. What an older Podium wrote down has no source, and matches."""
        return not self.model or (self.registry, self.model) == (registry, model)


class ModelVersion(Source):
    """One version of a model. The digest says which bytes that is: a registry may give a number to other ones."""

    version: str = Field(description="Version of the registered model.")
    digest: str = Field(description="Digest of its artifacts, sha256:<hex>.")

    def same_version(self, other: "ModelVersion") -> bool:
        """Whether both are the same bytes of the same model, whatever else is recorded of them."""
        mine = (self.registry, self.model, self.version, self.digest)
        return mine == (other.registry, other.model, other.version, other.digest)

    @property
    def identity(self) -> dict[str, Any]:
        """The fields that say which version it is, for another record of it."""
        return {name: getattr(self, name) for name in ModelVersion.model_fields}


class VersionRecord(ModelVersion):
    """What was decided of a version, and why."""

    reason: str = Field(description="Reason, a documented constant.")
    message: str = Field(description="Why, in one sentence.")
