"""Rules that a schema cannot say: each once in CEL, for the API server, and beside it once in Python, for the rest.

The two halves of a rule stand in one place, and `tests/e2e/test_crd.py` asks both about the same objects.
A rule goes on a scalar as one more part of its `Annotated` type, and on a model into its `RULES`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

# The API server's words for what is wrong; kubectl prints them before the message.
Reason = Literal["FieldValueInvalid", "FieldValueRequired", "FieldValueForbidden", "FieldValueDuplicate"]
BROKEN = "broken_rule"  # pydantic's error type; its context holds `message` and `field`


def broken(message: str, field: str = "") -> PydanticCustomError:
    """The error of a rule. `field` leads from the value that the rule stands on to the one that is wrong."""
    return PydanticCustomError(BROKEN, "{message}", {"message": message, "field": field})


@dataclass(frozen=True)
class Rule:
    """One rule: `cel` and `holds` say the same of the same value."""

    cel: str
    message: str
    holds: Callable[[Any], bool]
    field: str = ""  # as `fieldPath` in a CRD: .steps
    reason: Reason = "FieldValueInvalid"

    def check(self, value: Any) -> Any:
        """The value itself. Raises the rule's error where it is violated."""
        if not self.holds(value):
            raise broken(self.message, self.field)
        return value

    def as_schema(self) -> dict[str, str]:
        """The rule as an entry of `x-kubernetes-validations`."""
        entry = {"rule": self.cel, "message": self.message}
        if self.field:
            entry["fieldPath"] = self.field
        return entry | {"reason": self.reason}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return with_rules(handler(core), [self])


def with_rules(schema: JsonSchemaValue, rules: Iterable[Rule]) -> JsonSchemaValue:
    """The schema with these rules added in the place where a CRD carries them."""
    entries = [*schema.get("x-kubernetes-validations", []), *(rule.as_schema() for rule in rules)]
    return {**schema, "x-kubernetes-validations": entries} if entries else schema


@dataclass(frozen=True)
class KeyedBy:
    """A list whose items have a key of their own each: `kubectl apply` merges them by it, and twice is refused."""

    key: str

    def check(self, items: list[Any]) -> list[Any]:
        """The list itself. Raises a rule's error at the first item whose key was there before."""
        seen = set()
        for index, item in enumerate(items):
            key = item[self.key] if isinstance(item, Mapping) else getattr(item, self.key)
            if key in seen:
                raise broken(f"{self.key} {key!r} is there twice: each needs one of its own", f"[{index}]")
            seen.add(key)
        return items

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Mapping[str, Any]:
        return {**handler(core), "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.key]}
