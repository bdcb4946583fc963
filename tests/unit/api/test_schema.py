"""The JSON Schema that editors and `podium validate` use."""

from jsonschema import Draft202012Validator

from podium.api.v1alpha1.schema.jsonschema import everywhere, json_schema


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


def test_every_object_refuses_fields_that_it_does_not_know() -> None:
    lax: list[object] = []

    def look(schema: dict[str, object]) -> dict[str, object]:
        if schema.get("type") == "object" and "properties" in schema and "additionalProperties" not in schema:
            lax.append(schema.get("description"))
        return schema

    everywhere(look, json_schema())
    assert lax == []


def test_it_holds_nothing_of_kubernetes_own_dialect() -> None:
    words: set[str] = set()

    def look(schema: dict[str, object]) -> dict[str, object]:
        words.update(schema)
        return schema

    everywhere(look, json_schema())
    assert not [word for word in words if word.startswith("x-")]


def test_it_holds_defaults_so_that_editors_show_them() -> None:
    rollout = json_schema()["$defs"]["Rollout"]["properties"]
    assert rollout["stepTimeout"]["default"] == "1h"


def test_the_status_is_no_business_of_those_who_write() -> None:
    schema = json_schema()
    assert schema["properties"]["status"]["type"] == "object"
    assert "Trial" not in schema["$defs"]
