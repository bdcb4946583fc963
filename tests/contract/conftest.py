"""Fixtures that several contract suites share. Here, so that a server is started once for all of them."""

import pytest

from tests.contract.cluster_fixtures import fake_model_server, no_operator
from tests.contract.registry_fixtures import editor, mlflow_world, model, world
from tests.contract.tls_fixtures import certificate, trusted

__all__ = [
    "certificate",
    "editor",
    "fake_model_server",
    "mlflow_world",
    "model",
    "no_operator",
    "trusted",
    "world",
]


def pytest_itemcollected(item: pytest.Item) -> None:
    """A way of sharing the traffic that needs a gateway needs it on the real cluster only."""
    parameters = getattr(item, "callspec", None)
    way = parameters.params.get("routed", "replicas") if parameters else "replicas"
    if way != "replicas" and item.get_closest_marker("cluster"):
        item.add_marker(pytest.mark.gateway)
