"""Who may write an alias: one ModelDeployment of one cluster, which a tag of the registered model names.

The registry is what all that could write the alias share: two operators see each other there, and nowhere else.
"""

import re
from dataclasses import dataclass
from typing import Final

from podium.core.facts import Key

CLUSTER: Final = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"  # the name or UID of a cluster
_DNS: Final = r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?"
OWNER: Final = rf"^{CLUSTER}/{_DNS}/{_DNS}$"
LONGEST: Final = 63 + 1 + 63 + 1 + 253  # characters


@dataclass(frozen=True)
class AliasOwner:
    """A ModelDeployment, among those of all clusters."""

    cluster: str
    key: Key

    def __str__(self) -> str:
        return f"{self.cluster}/{self.key}"


def owner_named(claim: str) -> AliasOwner | None:
    """Whom a claim names; None where it is no claim of Podium's. It is hostile input."""
    if len(claim) > LONGEST or not re.fullmatch(OWNER, claim):
        return None
    cluster, namespace, name = claim.split("/")
    return AliasOwner(cluster, Key(namespace, name))
