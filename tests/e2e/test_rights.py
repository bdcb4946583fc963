"""The operator has few rights: what it may not do, the API server says."""

import pytest

from tests.e2e.conftest import Operator

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        ("create", "pods"),
        ("delete", "deployments.apps"),
        ("delete", "modeldeployments.podium.dev"),
        ("update", "modeldeployments.podium.dev"),  # but patch: the finalizer of those that adopt a route
        ("get", "pods/log"),
        ("create", "pods/exec"),
        ("get", "pods/proxy"),
        ("list", "secrets"),
        ("delete", "services"),
    ],
)
def test_the_operator_may_not(operator: Operator, verb: str, what: str) -> None:
    cluster = operator.kubectl.cluster
    # `can-i` exits with 1 for a no, so the answer is asked for in a way that always succeeds.
    review = f'{{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{_attributes(verb, what)}}}'
    assert cluster.kubectl("create", "--filename=-", "--output=jsonpath={.status.allowed}", input=review) in {
        "",
        "false",
    }


def _attributes(verb: str, what: str) -> str:
    resource, _, sub = what.partition("/")
    resource, _, group = resource.partition(".")
    return (
        f'{{"user":"system:serviceaccount:podium-system:podium-operator","resourceAttributes":{{"verb":"{verb}",'
        f'"group":"{group}","resource":"{resource}","subresource":"{sub}","namespace":"default"}}}}'
    )
