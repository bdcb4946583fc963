"""The kinds that are listed and watched: where they are, which of them, and what is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.informers import projections

Json = dict[str, Any]
_IN_NAMESPACE: Final = "/namespaces/{}"


@dataclass(frozen=True)
class Kind:
    """One kind of object."""

    collection: str  # as in `names`, with a place for the namespace
    keep: Callable[[Json], Json]
    selector: str = ""  # of labels; all objects of the kind where it is empty
    by: str = names.DEPLOYMENT  # the label by which they are looked up together
    optional: bool = False  # whether a cluster may well do without it

    @property
    def plural(self) -> str:
        """Its name in paths and in messages."""
        return self.collection.rpartition("/")[2]

    def path(self, namespace: str = "") -> str:
        """Where to list and watch them: in one namespace, or in all."""
        return names.path(self.collection, namespace) if namespace else self.collection.replace(_IN_NAMESPACE, "")


MODEL_DEPLOYMENTS: Final = Kind(names.MODEL_DEPLOYMENTS, projections.model_deployment)
# Those of others too: one may be adopted, and a policy of theirs may be for Podium's route.
ROUTES: Final = Kind(names.HTTP_ROUTES, projections.route, optional=True)
POLICIES: Final = Kind(names.TRAFFIC_POLICIES, projections.as_written, optional=True)
KINDS: Final = (
    MODEL_DEPLOYMENTS,
    Kind(names.DEPLOYMENTS, projections.deployment, names.DEPLOYMENT),
    Kind(names.SERVICES, projections.as_written, names.DEPLOYMENT),
    Kind(names.PODS, projections.pod, names.DEPLOYMENT),
    Kind(names.ENDPOINT_SLICES, projections.endpoint_slice, names.DEPLOYMENT, by=names.SERVICE_NAME),
    Kind(names.DISRUPTION_BUDGETS, projections.as_written, names.DEPLOYMENT),
    Kind(names.AUTOSCALERS, projections.as_written, names.DEPLOYMENT),
    Kind(names.JOBS, projections.job, names.DEPLOYMENT),
    ROUTES,
    POLICIES,
)
