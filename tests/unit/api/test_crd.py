"""The CRD: what the API server accepts and shows."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from podium.api.v1alpha1.schema.crd import definition, structural_schema

SCHEMA = structural_schema()


def fields(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field below, with its path."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}{name}", inner
        yield from fields(inner, f"{path}{name}.")
    for word in ("items", "additionalProperties"):
        if word in schema:
            yield f"{path}[]", schema[word]
            yield from fields(schema[word], f"{path}[].")


SPEC = dict(fields(SCHEMA["properties"]["spec"], "spec."))
STATUS = dict(fields(SCHEMA["properties"]["status"], "status."))


@pytest.mark.parametrize("path", [path for path in SPEC | STATUS if not path.endswith("[]")])
def test_every_field_says_what_it_is(path: str) -> None:
    assert (SPEC | STATUS)[path].get("description", "").endswith((".", "…"))


def test_it_is_structural() -> None:
    words = {word for schema in (SPEC | STATUS).values() for word in schema}
    assert words.isdisjoint({"$ref", "$defs", "const", "title", "examples", "oneOf", "allOf"})
    assert all(schema.get("type") or "x-kubernetes-int-or-string" in schema for schema in (SPEC | STATUS).values())


def test_what_git_says_is_what_is_stored_and_the_size_that_autoscalers_look_for() -> None:
    defaults = {path: schema["default"] for path, schema in (SPEC | STATUS).items() if "default" in schema}
    assert defaults == {"spec.serving": {}, "spec.serving.replicas": 1}


def test_the_scale_subresource_speaks_of_fields_that_are_there() -> None:
    (version,) = definition()["spec"]["versions"]
    assert {path.removeprefix(".") for path in version["subresources"]["scale"].values()} <= (SPEC | STATUS).keys()


def test_a_status_never_stands_in_the_way_of_the_spec() -> None:
    assert not [path for path, schema in STATUS.items() if "x-kubernetes-validations" in schema]
    assert [path for path, schema in STATUS.items() if "required" in schema] == ["status.conditions.[]"]


@pytest.mark.parametrize("path", [path for path, schema in SPEC.items() if schema.get("type") == "array"])
def test_every_list_is_bounded_so_that_rules_about_it_are_cheap(path: str) -> None:
    assert "maxItems" in SPEC[path]


@pytest.mark.parametrize("path", [path for path, schema in SPEC.items() if schema.get("type") == "string"])
def test_every_text_is_bounded_so_that_rules_about_it_are_cheap(path: str) -> None:
    assert "maxLength" in SPEC[path] or "enum" in SPEC[path]


def test_defaults_are_told_in_words() -> None:
    assert SPEC["spec.rollout.steps.[].duration"]["description"].endswith("Default: 30s.")
    assert SPEC["spec.rollout.guards"]["description"].endswith(
        'Default: [{"name": "errors", "errorRate": {"atMost": "1%"}}].'
    )


def test_kubectl_shows_what_a_person_wants_to_know_at_a_glance() -> None:
    (version,) = definition()["spec"]["versions"]
    at_a_glance = [column["name"] for column in version["additionalPrinterColumns"] if not column.get("priority")]
    assert at_a_glance == ["Champion", "Challenger", "Phase", "Weight", "Ready", "Message", "Age"]


def test_every_column_shows_a_field_that_there_is() -> None:
    (version,) = definition()["spec"]["versions"]
    shown = {column["jsonPath"].removeprefix(".").split("[")[0] for column in version["additionalPrinterColumns"]}
    assert shown - {*SPEC, *STATUS} == {"metadata.creationTimestamp"}


def test_an_object_without_a_status_counts_as_not_observed() -> None:
    """Tools of kstatus take an object without observedGeneration and conditions for ready."""
    assert structural_schema()["properties"]["status"]["default"] == {"observedGeneration": -1}
