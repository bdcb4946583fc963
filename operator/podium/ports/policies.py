"""What is granted to namespaces, as the API server says."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from podium.api.v1alpha1.policy import PodiumPolicySpec


class Policies(Protocol):
    """The API server: PodiumPolicies, and the labels of the namespaces that they select."""

    async def policies(self) -> Sequence[PodiumPolicySpec] | None:
        """All that can be read, fresh, by name; None where their CRD is not installed.

        One that cannot be read grants nothing. Raises Rejected where the operator may not list them.
        """

    async def changed(self) -> None:
        """Return once a policy has changed since they were read; a hint: it may come late, or never.

        Raises the errors of the API server.
        """

    async def namespaces(self) -> Mapping[str, Mapping[str, str]]:
        """The labels of each namespace, fresh. Raises Rejected where the operator may not list them."""
