"""Which model version a pod serves, as it says itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """What a pod says that it serves, from its own metrics."""

    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.version} {self.digest}"
