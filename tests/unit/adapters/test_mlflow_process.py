"""MLflow's client as the operator has it: what it does not look for at each request."""

from collections.abc import Iterator

import pytest
from mlflow.tracking.request_header import registry
from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider
from mlflow.tracking.request_header.databricks_request_header_provider import DatabricksRequestHeaderProvider

from podium.adapters.registries.mlflow import process


class Plugin(RequestHeaderProvider):  # type: ignore[misc]  # MLflow is untyped here
    """A provider as a plugin brings it."""

    def in_context(self) -> bool:
        return True

    def request_headers(self) -> dict[str, str]:
        return {"X-Team": "fraud"}


@pytest.fixture
def providers() -> Iterator[list[RequestHeaderProvider]]:
    """Those that MLflow has registered by itself, and a plugin's."""
    every, before = registry._request_header_provider_registry, registry._request_header_provider_registry._registry
    every._registry = [DatabricksRequestHeaderProvider(), *before, Plugin()]
    yield every
    every._registry = before


def test_no_request_looks_for_a_notebook_of_databricks(providers: list[RequestHeaderProvider]) -> None:
    process.prepare({})
    assert [each for each in providers if isinstance(each, DatabricksRequestHeaderProvider)] == []


def test_headers_of_plugins_and_mlflows_own_stay(providers: list[RequestHeaderProvider]) -> None:
    process.prepare({})
    headers = registry.resolve_request_headers()
    assert headers["X-Team"] == "fraud"
    assert headers["User-Agent"].startswith("mlflow-python-client/")
