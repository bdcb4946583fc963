"""YAML files as kubectl reads them, with the line of every field.

PyYAML's own reading differs from kubectl's where it hurts: `1e-3` is text for the one and a number for the other, and a
key that is there twice is refused by kubectl. So PyYAML parses here, and what the scalars mean is decided by the rules
of sigs.k8s.io/yaml (goyaml.v2, `resolve.go`), which kubectl is built with.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

Path = tuple[str | int, ...]  # of keys and indexes, from the object's root
NODE_LIMIT: Final = 100_000  # aliases can make a few lines into billions of values
DEPTH_LIMIT: Final = 100  # of mappings and lists inside of each other; reading is recursive, and Python's stack ends


class Unreadable(Exception):
    """The text is not YAML that kubectl would take. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """One object of a file."""

    value: Any
    lines: Mapping[Path, int] = field(default_factory=dict)  # from 1; () is where the object begins

    def line(self, path: Path) -> int:
        """The line of a field, or of the nearest one around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def part(self, path: Path, value: Any) -> "Document":
        """What stands at the path, as a document of its own."""
        size = len(path)
        return Document(value, {key[size:]: line for key, line in self.lines.items() if key[:size] == path})


def read_documents(text: str) -> Iterator[Document]:
    """The objects of a file, one by one; those of a `List` as if they stood alone. Raises `Unreadable`."""
    for _, document in _documents(text):
        yield from _items(document)


def roots(text: str) -> Iterator[tuple[yaml.Node, Any]]:
    """Each document as the node that is written in the text, and as its value. Raises `Unreadable`."""
    for node, document in _documents(text):
        yield node, document.value


def _documents(text: str) -> Iterator[tuple[yaml.Node, Document]]:
    try:
        for node in yaml.compose_all(text, Loader=_Parser):
            builder = _Builder()
            yield node, Document(builder.build(node, ()), builder.lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(mark.line + 1 if mark else 1, error.problem or str(error)) from error
    except yaml.YAMLError as error:  # characters that YAML does not allow
        raise Unreadable(1, str(error).splitlines()[0]) from error


def _items(document: Document) -> Iterator[Document]:
    value = document.value
    if value is None:  # nothing between two separators
        return
    if isinstance(value, dict) and str(value.get("kind")).endswith("List") and isinstance(value.get("items"), list):
        for index, item in enumerate(value["items"]):
            yield from _items(document.part(("items", index), item))
        return
    yield document


class _Parser(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own way
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise Unreadable(event.start_mark.line + 1, f"nested deeper than {DEPTH_LIMIT} levels")
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_SCALARS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", list("yYnNtTfFoO")),
    "int": (r"[-+]?(0|[1-9][0-9_]*|0o?[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+)", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    "merge": (r"<<", ["<"]),
}
for _name, (_pattern, _first) in _SCALARS.items():
    _Parser.add_implicit_resolver(_TAG + _name, re.compile(f"^({_pattern})$"), _first)


class _Builder:
    """Values from YAML nodes. It remembers the line of each."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self._built = 0
        self._open: list[yaml.Node] = []

    def build(self, node: yaml.Node | None, path: Path) -> Any:
        """The node's value."""
        if node is None:
            return None
        self.lines.setdefault(path, _line(node))
        self._built += 1
        if node in self._open or self._built > NODE_LIMIT:
            raise Unreadable(_line(node), "its YAML aliases expand to more than can be read")
        self._open.append(node)
        value = self._value(node, path)
        self._open.pop()
        return value

    def _value(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return scalar(node.tag.removeprefix(_TAG), node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged = self._merged(value_node, path) | merged
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            key = _key(key_node)
            if key in own:
                raise Unreadable(_line(key_node), f"duplicate key {key}")
            self.lines[*path, key] = _line(key_node)
            own[key] = self.build(value_node, (*path, key))
        return merged | own

    def _merged(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found: dict[str, Any] = {}
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                raise Unreadable(_line(node), "<< requires a mapping, or a list of mappings")
            found = self._mapping(source, path) | found
        return found


def scalar(kind: str, text: str) -> Any:
    """What kubectl makes of a scalar. Text, unless it is of a kind that means something else."""
    match kind:
        case "null":
            return None
        case "bool":
            return text.lower() in {"y", "yes", "true", "on"}
        case "int":
            digits = text.replace("_", "")
            octal = re.fullmatch(r"([-+]?)0([0-7]+)", digits)
            return int(octal[1] + octal[2], 8) if octal else int(digits, 0)
        case "float":
            return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
        case _:
            return text


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise Unreadable(_line(node), "a key must be text")
    value = scalar(node.tag.removeprefix(_TAG), node.value)
    return value if isinstance(value, str) else str(node.value)


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1
