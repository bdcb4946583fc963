"""What passes through to an HTTPRoute: the Gateway API's own fields, words and limits."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from podium.api.v1alpha1.schema.crd import structural_schema
from podium.api.v1alpha1.spec.spec import Spec

# The schema of HTTPRoute v1 in config/crd/standard of sigs.k8s.io/gateway-api v1.6.1, without words and rules.
THEIRS = json.loads((Path(__file__).parent / "httproute-v1.6.1.json").read_text())
TRAFFIC = structural_schema()["properties"]["spec"]["properties"]["traffic"]["properties"]
OURS = TRAFFIC["gateway"]["properties"]
LIMITS = ("type", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "required")


def limits(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field at and below the path, with what it may hold."""
    yield (
        path,
        {word: sorted(schema[word]) if word == "required" else schema[word] for word in LIMITS if word in schema},
    )
    for name, inner in schema.get("properties", {}).items():
        yield from limits(inner, f"{path}.{name}")
    if "items" in schema:
        yield from limits(schema["items"], f"{path}[]")


def all_limits(schemas: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {path: found for name in THEIRS for path, found in limits(schemas[name], name)}


THEIR_LIMITS, OUR_LIMITS = all_limits(THEIRS), all_limits(OURS)


def test_every_field_is_there_but_those_that_make_no_sense_before_a_model() -> None:
    missing = {path for path in THEIR_LIMITS.keys() - OUR_LIMITS.keys() if "requestRedirect" not in path}
    assert (missing, OUR_LIMITS.keys() - THEIR_LIMITS.keys()) == (set(), set())


@pytest.mark.parametrize("path", sorted(OUR_LIMITS))
def test_a_field_holds_what_it_may_hold_there(path: str) -> None:
    ours, theirs = dict(OUR_LIMITS[path]), dict(THEIR_LIMITS[path])
    if path == "filters[].type":
        theirs["enum"] = [word for word in theirs["enum"] if word != "RequestRedirect"]
    for word in ("maxItems", "maxLength", "maximum"):  # ours may be stricter, and are where theirs are not bounded
        assert ours.get(word, 0) <= theirs.pop(word, ours.get(word, 0))
        ours.pop(word, None)
    ours["enum"], theirs["enum"] = sorted(ours.get("enum", [])), sorted(theirs.get("enum", []))
    assert ours == theirs | {"minItems": 1} if path == "parentRefs" else ours == theirs


def gateway(**parts: Any) -> Any:
    return Spec.model_validate({"model": {"name": "churn", "version": "7"}, "traffic": {"gateway": parts}}).traffic


def test_a_gateway_by_name_is_one_parent() -> None:
    found = gateway(name="public", namespace="infra", sectionName="https").gateway
    assert found.parents == [{"name": "public", "namespace": "infra", "sectionName": "https"}]


def test_several_gateways_are_as_many_parents_as_they_were_written() -> None:
    refs = [{"name": "public", "namespace": "infra"}, {"name": "mesh", "group": "", "kind": "Service"}]
    assert gateway(parentRefs=refs).gateway.parents == refs


def test_what_passes_through_is_what_was_written() -> None:
    matches = [{"path": {"type": "Exact", "value": "/churn/invocations"}, "headers": [{"name": "x-a", "value": "b"}]}]
    assert gateway(name="public", matches=matches).gateway.matches == matches


def test_shares_are_exact_where_a_gateway_makes_them() -> None:
    assert gateway(name="public").exact
    model = {"name": "churn", "version": "7"}
    assert Spec.model_validate({"model": model, "traffic": {"httpRouteRef": {"name": "churn"}}}).traffic.exact
    assert not Spec.model_validate({"model": model}).traffic.exact
