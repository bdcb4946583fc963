"""The OpenAPI document is true: what it describes is answered as it says, and nothing else is a 5xx."""

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.contract.test_runtime.conftest import Process

pytestmark = pytest.mark.filterwarnings("ignore")  # of schemathesis and what it imports


def test_requests_made_from_the_document_are_answered_as_it_says(churn: Process) -> None:
    schema = schemathesis.openapi.from_url(f"{churn.url}/openapi.json")
    operations = [each.ok() for each in schema.get_all_operations()]  # type: ignore[union-attr]  # raises for a bad one
    assert len(operations) >= 15
    with httpx.Client(base_url=churn.url, timeout=30) as client:
        for operation in operations:
            fuzz(operation, client)
        assert client.get("/readyz").status_code == 200


def fuzz(operation: object, client: httpx.Client) -> None:
    """Ask what the document allows, and see that the status is one that it names."""
    documented = set(operation.definition.raw["responses"])  # type: ignore[attr-defined]

    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())  # type: ignore[attr-defined]
    def ask(case: object) -> None:
        answer = case.call(base_url=str(client.base_url))  # type: ignore[attr-defined]
        assert str(answer.status_code) in documented
        assert answer.headers["x-podium-version"] == ["1"] or "1" in answer.headers["x-podium-version"]
        if answer.status_code >= 500:
            assert "the model raised" in answer.text

    ask()


@pytest.mark.parametrize("path", ["/invocations", "/api/v1/predict", "/api/v1/batch", "/v2/models/churn/infer"])
def test_every_way_to_predict_is_in_the_document(client: httpx.Client, path: str) -> None:
    assert "post" in client.get("/openapi.json").json()["paths"][path]


def test_the_document_knows_the_models_columns(client: httpx.Client) -> None:
    predict = client.get("/openapi.json").json()["paths"]["/api/v1/predict"]["post"]
    item = predict["requestBody"]["content"]["application/json"]["schema"]
    assert len(item["required"]) == 30
    assert item["properties"]["mean radius"] == {"type": "number", "format": "double"}
