"""An object with values of the chart in it, as the text of a Helm template."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

_MARK: Final = "@@{}@@"
_LINE: Final = re.compile(r"^(?P<indent> *)(?P<key>(?:- )*[\w./-]*:? ?)'?@@(?P<number>\d+)@@'?$", re.MULTILINE)
_INSIDE: Final = re.compile(r"@@(?P<number>\d+)@@")


@dataclass(frozen=True)
class Inline:
    """A template expression in the place of a scalar: `.Values.replicas`."""

    expression: str


@dataclass(frozen=True)
class Block:
    """A value that is YAML of its own under its key; without `always`, the key is left out where it is empty."""

    expression: str
    always: bool = False


@dataclass(frozen=True)
class Lines:
    """Lines of a template in the place of a list's item or of a key, as they are."""

    text: str


Value = Inline | Block | Lines


def rendered(found: Any) -> str:
    """The YAML of an object, in which texts with braces of their own stay as they are."""
    values: list[Value] = []
    text = yaml.safe_dump(_marked(found, values), sort_keys=False, width=10_000, allow_unicode=True)
    text = text.replace("{{", "{{ `{{` }}")
    text = _LINE.sub(lambda line: _line(line, values[int(line["number"])]), text)
    return _INSIDE.sub(lambda mark: _inline(values[int(mark["number"])]), text)


def _marked(found: Any, values: list[Value]) -> Any:
    if isinstance(found, Inline | Block | Lines):
        values.append(found)
        return _MARK.format(len(values) - 1)
    if isinstance(found, Mapping):
        return {key: _marked(value, values) for key, value in found.items()}
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [_marked(value, values) for value in found]
    return found


def _line(line: re.Match[str], value: Value) -> str:
    indent, key = line["indent"], line["key"]
    if isinstance(value, Inline):
        return f"{indent}{key}{{{{ {value.expression} }}}}"
    if isinstance(value, Lines):
        return value.text.rstrip("\n")
    deeper = len(indent) + 2 * key.count("- ") + 2
    block = f"{indent}{key.rstrip()}\n{' ' * deeper}{{{{- toYaml . | nindent {deeper} }}}}"
    opening = f"{indent}{{{{- with {value.expression} }}}}\n"
    if value.always:
        return block.replace("toYaml .", f"toYaml {value.expression}")
    return f"{opening}{block}\n{indent}{{{{- end }}}}"


def _inline(value: Value) -> str:
    assert isinstance(value, Inline), value
    return f"{{{{ {value.expression} }}}}"


def quoted(value: object) -> str:
    """A constant in a template's expression."""
    return json.dumps(value)
