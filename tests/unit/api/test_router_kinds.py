"""One table says which router spec.traffic selects, and what follows from that."""

from typing import Any

import pytest

from podium.api.v1alpha1.spec.routers import GATEWAY, HTTP_ROUTE_REF, ROUTERS, SERVICE, RouterKind
from podium.api.v1alpha1.spec.traffic import Traffic


@pytest.mark.parametrize(
    ("settings", "kind", "exact", "shared_by"),
    [
        ({}, SERVICE, False, None),
        ({"gateway": {"name": "public"}}, GATEWAY, True, "churn"),
        ({"httpRouteRef": {"name": "shop"}}, HTTP_ROUTE_REF, True, "shop"),
    ],
)
def test_the_settings_select_a_router(
    settings: dict[str, Any], kind: RouterKind, *, exact: bool, shared_by: str | None
) -> None:
    traffic = Traffic.model_validate(settings)
    assert (traffic.router, traffic.exact) == (kind, exact)
    assert traffic.routing_object("churn") == shared_by


def test_each_router_but_the_last_is_selected_by_a_field_of_its_own() -> None:
    fields = [kind.field for kind in ROUTERS]
    assert fields[-1] is None, "it is the one where no other matches"
    assert set(fields[:-1]) <= set(Traffic.model_fields)
    assert len(set(fields)) == len(ROUTERS)
