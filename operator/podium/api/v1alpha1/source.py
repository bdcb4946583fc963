"""Where a version comes from, and which one it is."""

from functools import lru_cache
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import Field

from podium.api.v1alpha1.evidence import StatusValue

_PORTS: Final = {"http": 80, "https": 443}  # what a URI without a port means


@lru_cache(maxsize=1024)
def address(uri: str) -> str:
    """The URI of a registry as all that name the same address write it (RFC 3986, 6.2.2 and 6.2.3).

    The case of scheme and host, the scheme's own port and slashes at the end say nothing. What is no URI of a server
    keeps all but those slashes.
    """
    try:
        parts = urlsplit(uri.strip())
        host = _host(parts)
    except ValueError:  # a port or an IPv6 address that is none
        return uri.rstrip("/")
    path = parts.path.rstrip("/")
    return parts._replace(netloc=host, path=path).geturl() if host else uri.rstrip("/")


def _host(parts: SplitResult) -> str:
    login, at, _ = parts.netloc.rpartition("@")
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    port = f":{parts.port}" if parts.port not in {None, _PORTS.get(parts.scheme)} else ""
    return f"{login}{at}{name}{port}" if name else ""


class Source(StatusValue):
    """Where a version comes from."""

    registry: str = Field("", description="MLflow tracking URI of the registry that has it.")
    model: str = Field("", description="Name of the registered model.")

    def matches(self, registry: str, model: str) -> bool:
        """Whether it comes from there. What an older Podium wrote down has no source, and matches."""
        return not self.model or (address(self.registry) == address(registry) and self.model == model)

    def of_model(self, model: str) -> bool:
        """Whether it is of this model, wherever the registry is. What an older Podium wrote down has no source."""
        return not self.model or self.model == model


class ModelVersion(Source):
    """One version of a model. The digest says which bytes that is: a registry may give a number to other ones."""

    version: str = Field(description="Version of the registered model.")
    digest: str = Field(description="Digest of its artifacts, sha256:<hex>.")

    def same_version(self, other: "ModelVersion") -> bool:
        """Whether both are the same bytes under the same name. A registry that moved holds the same ones."""
        return (self.model, self.version, self.digest) == (other.model, other.version, other.digest)

    @property
    def identity(self) -> dict[str, Any]:
        """The fields that say which version it is, for another record of it."""
        return {name: getattr(self, name) for name in ModelVersion.model_fields}


class VersionRecord(ModelVersion):
    """What was decided of a version, and why."""

    reason: str = Field(description="Reason, a documented constant.")
    message: str = Field(description="Why, in one sentence.")
