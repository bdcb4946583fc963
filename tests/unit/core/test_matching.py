"""Which namespaces a policy selects, as Kubernetes' own label selectors have it."""

import pytest

from podium.api.v1alpha1.policy import NamespaceSelector
from podium.core.permissions.matching import selects

LABELS = {"team": "fraud"}


@pytest.mark.parametrize(
    ("key", "operator", "values", "holds"),
    [
        ("team", "In", ["fraud", "churn"], True),
        ("team", "In", ["churn"], False),
        ("tier", "In", ["one"], False),
        ("team", "NotIn", ["churn"], True),
        ("team", "NotIn", ["fraud"], False),
        ("tier", "NotIn", ["one"], True),
        ("team", "Exists", [], True),
        ("tier", "Exists", [], False),
        ("team", "DoesNotExist", [], False),
        ("tier", "DoesNotExist", [], True),
    ],
)
def test_an_expression_holds_as_in_kubernetes(key: str, operator: str, values: list[str], holds: bool) -> None:
    expression = {"key": key, "operator": operator} | ({"values": values} if values else {})
    selector = NamespaceSelector.model_validate({"matchExpressions": [expression]})
    assert selects(selector, "ml", LABELS) is holds


def test_all_that_is_said_must_match() -> None:
    said = {"matchNames": ["ml-*"], "matchLabels": LABELS}
    selector = NamespaceSelector.model_validate(said)
    assert selects(selector, "ml-one", LABELS)
    assert not selects(selector, "other", LABELS)
    assert not selects(selector, "ml-one", {})
    assert selects(NamespaceSelector(), "any", {})
