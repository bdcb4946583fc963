"""What a walk has to choose from: the versions in the registry, and what is the walk's own on the cluster."""

from dataclasses import dataclass
from typing import Final

GOOD: Final = ("1", "2", "3")
BROKEN: Final = ("4", "5", "6")  # raises when it is loaded, ends its process then, fails at each request
FAILING: Final = "6"  # the only one of them that answers at all
MISSING: Final = "99"
OTHER_GOOD: Final = "1"  # of the other model


@dataclass(frozen=True)
class Ground:
    """One walk's own ground. Several walks share the models."""

    model: str
    other: str  # another registered model
    namespace: str
    port: int  # NodePort of the stable Service

    @property
    def champion(self) -> str:
        """The alias that Podium writes."""
        return f"champion-{self.namespace}"

    @property
    def followed(self) -> str:
        """The alias that a spec may follow."""
        return f"followed-{self.namespace}"
