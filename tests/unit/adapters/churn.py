"""A ModelDeployment called churn, with a pod, and where its Service and its route are."""

from datetime import UTC, datetime
from typing import Any

from podium.adapters.kubernetes import names
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Status
from podium.core.facts import Key, PodState, SlotState
from podium.ports import ModelDeployment

SERVICE = names.path(names.SERVICES, "ml", "churn")
ROUTE = names.path(names.HTTP_ROUTES, "ml", "churn")
SLICES = names.path(names.ENDPOINT_SLICES, "ml")
GATEWAY = {"gateway": {"name": "public", "hostnames": ["churn.test"]}}
PODS: dict[Slot, SlotState] = {"a": SlotState(pods=(PodState("u-a", "churn-a-1", "1", ready=True),))}


def churn(traffic: dict[str, Any] | None = None, generation: int = 1) -> ModelDeployment:
    parts = {"traffic": traffic} if traffic else {}
    return ModelDeployment(
        key=Key("ml", "churn"),
        uid="u1",
        generation=generation,
        resource_version="7",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        deleting=False,
        spec=Spec.model_validate({"model": {"name": "churn", "version": "1"}, **parts}),
        status=Status(),
    )
