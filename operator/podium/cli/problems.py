"""Problems of a ModelDeployment, Provider or Alert in a person's words: where, expected, found, what to do.

Two readers look at the object. The JSON Schema knows the shape and speaks first; the models know the rules, which the
API server has as CEL. Both, and so the API server, name the same fields.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from jsonschema import Draft202012Validator
from pydantic import ValidationError as ModelError

from podium.api.v1alpha1.manifest import KIND
from podium.api.v1alpha1.schema.jsonschema import MANIFESTS, json_schema
from podium.api.v1alpha1.values.rules import BROKEN
from podium.cli.documents import Path

_SHOWN: Final = 60  # characters of a value that was found


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    path: Path
    message: str

    @property
    def field(self) -> str:
        """The path as the API server writes it: `spec.rollout.steps[1].weight`."""
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return text.removeprefix(".")


def problems(value: Any) -> list[Problem]:
    """Everything that is wrong with an object of Podium's: one problem a field. Another kind is not one of them."""
    found = {problem.path: problem for misfit in _misfits(value) for problem in _misshapen(misfit)}
    broken = {problem.path: problem for problem in _broken_rules(value, found.keys())}
    return list((found | broken).values())


# --- the shape: what the JSON Schema says -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Misfit:
    """A keyword of the schema (`maximum`), what it asks for, and the value that does not fit."""

    path: Path
    keyword: str
    asked: Any
    value: Any
    schema: Mapping[str, Any]


def _misfits(value: Any) -> Iterator[Misfit]:
    for error in _validator(kind_of(value)).iter_errors(value):
        schema = error.schema
        assert isinstance(schema, Mapping)
        yield Misfit(tuple(error.absolute_path), str(error.validator), error.validator_value, error.instance, schema)


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(kind))


@cache
def _definitions() -> Mapping[str, Any]:
    """Those of all kinds. One name has one meaning."""
    return {name: schema for kind in MANIFESTS for name, schema in json_schema(kind).get("$defs", {}).items()}


def kind_of(value: Any) -> str:
    """By which kind an object is judged: that of a ModelDeployment where it names none of Podium's."""
    kind = value.get("kind") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) and kind in MANIFESTS else KIND


def _misshapen(misfit: Misfit) -> Iterator[Problem]:
    match misfit.keyword:
        case "additionalProperties":
            known = misfit.schema["properties"]
            writable = [name for name, part in known.items() if not part.get("readOnly")]
            for name in sorted(set(misfit.value) - set(known)):
                yield Problem((*misfit.path, name), _unknown(name, writable))
        case "required":
            for name in sorted(set(misfit.asked) - set(misfit.value)):
                yield Problem((*misfit.path, name), _missing(misfit.schema["properties"][name]))
        case _:
            yield Problem(misfit.path, f"expected {_wanted(misfit)}, found {show(misfit.value)}{_advice(misfit)}")


def _unknown(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"unknown field; do: write {near[0]}, if that is meant"
    return f"unknown field; do: remove it, or write one of {', '.join(sorted(known))}"


def _missing(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return f"expected {schema['const']}, found nothing; do: add it"
    about = _description(schema)
    return "expected a value, found nothing; do: add it" + (f" ({about.removesuffix('.')})" if about else "")


def _description(schema: Mapping[str, Any]) -> str:
    """What the schema says of the field, or else of its kind."""
    kind = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    described = schema if "description" in schema or not kind else _definitions()[kind]
    return str(described.get("description", ""))


_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "fields",
    "array": "a list",
}
# The keywords that the schema has, in words. A test knows that none is missing.
WANTED: Mapping[str, Callable[[Any], str]] = {
    "type": lambda asked: _TYPES[asked],
    "anyOf": lambda asked: " or ".join(_TYPES[choice["type"]] for choice in asked),
    "pattern": lambda asked: f"text that matches {asked}",
    "enum": lambda asked: f"one of {', '.join(asked)}",
    "const": str,
    "minimum": lambda asked: f"at least {asked}",
    "maximum": lambda asked: f"at most {asked}",
    "minLength": lambda asked: f"at least {asked} characters",
    "maxLength": lambda asked: f"at most {asked} characters",
    "minItems": lambda asked: f"at least {asked} of them",
    "maxItems": lambda asked: f"at most {asked} of them",
    "minProperties": lambda asked: f"at least {asked} of them",
    "maxProperties": lambda asked: f"at most {asked} of them",
}


def _wanted(misfit: Misfit) -> str:
    examples = misfit.schema.get("examples", [])
    if misfit.keyword == "pattern" and examples:
        return f"text such as {' or '.join(examples)}"
    return WANTED[misfit.keyword](misfit.asked)


def _advice(misfit: Misfit) -> str:
    """What to do, where that is plain."""
    value = misfit.value
    if value is None:
        return "; do: give it a value, or remove it"
    if misfit.keyword in {"type", "anyOf"}:
        return _advice_on_type(misfit, _wanted(misfit))
    near = get_close_matches(value, misfit.asked, n=1) if misfit.keyword == "enum" and isinstance(value, str) else []
    return f"; do: write {near[0]}, if that is meant" if near else ""


def _advice_on_type(misfit: Misfit, wanted: str) -> str:
    value = misfit.value
    if isinstance(value, bool):  # in YAML, yes and on are no texts either
        return "; do: write it in quotes" if "text" in wanted else ""
    if isinstance(value, int | float):
        return f"; do: write {_as_text(value, misfit.schema)}" if "text" in wanted else ""
    if isinstance(value, str):
        return _advice_on_text(value, wanted)
    return "; do: write each item after a dash (- …)" if wanted == _TYPES["array"] else ""


def _advice_on_text(text: str, wanted: str) -> str:
    """For a number or a boolean in quotes, and for a share with its percent sign."""
    forms = {
        _TYPES["integer"]: r"(-?[0-9]+)%?",
        _TYPES["number"]: r"(-?[0-9]+(?:\.[0-9]+)?)",
        _TYPES["boolean"]: r"(true|false)",
    }
    found = re.fullmatch(forms.get(wanted, r"(?!)"), text)
    return f"; do: write {found[1]}, without quotes" if found else ""


def _as_text(number: float, schema: Mapping[str, Any]) -> str:
    """The number as the text that is meant: as it stands if that is taken, a duration, or a share."""
    pattern, plain = schema.get("pattern", ""), show(number)
    whole = f"{number:.0f}" if number == int(number) else plain
    percent = f"{number * 100:g}%" if number < 1 else f"{number:g}%"
    fit = (text for text in (plain, whole, f"{number:g}s", percent) if re.search(pattern, text))
    text = next(fit, plain)
    return text if text[-1] in "s%" else f'it in quotes, "{text}"'


def written(value: Mapping[str, Any]) -> dict[str, Any]:
    """What a person wrote of an object: all but the status."""
    return {key: part for key, part in value.items() if key != "status"}


# --- the rules: what the models say -----------------------------------------------------------------------------------


def _broken_rules(value: Any, misshapen: Collection[Path]) -> Iterator[Problem]:
    """Where the shape does not hold, models complain about that too; then only their rules are listened to.

    A rule cannot be judged around a value that is wrong already.
    """
    try:
        MANIFESTS[kind_of(value)].model_validate(written(value) if isinstance(value, dict) else value)
    except ModelError as error:
        for entry in error.errors(include_url=False):
            around = entry["loc"]
            if entry["type"] == BROKEN and not any(path[: len(around)] == around for path in misshapen):
                path = (*around, *_steps(entry["ctx"]["field"]))
                yield Problem(path, f"{entry['msg']}; found {show(_at(value, path))}")
            elif not misshapen:
                yield Problem(_existing(value, entry["loc"]), f"{entry['msg']}; found {show(entry['input'])}")


def _steps(field: str) -> Path:
    """The parts of a rule's field: `.metadata.name`, `[1]`."""
    return tuple(name or int(index) for name, index in re.findall(r"\.([^.\[]+)|\[([0-9]+)\]", field))


def _existing(value: Any, path: Path) -> Path:
    """The path as far as it leads. Pydantic adds a name of its own for each of the types that a value might have."""
    for size, part in enumerate(path):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return path[:size]
    return path


def _at(value: Any, path: Path) -> Any:
    if _existing(value, path) != path:
        return None
    for part in path:
        value = value[part]
    return value


def show(value: Any) -> str:
    """A value in one short line."""
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
