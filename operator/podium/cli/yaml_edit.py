"""A merge patch put into the text of a YAML file, so that comments, order and quotes stay as they are.

Only few places of a text are certain: a plain or quoted scalar, a mapping or list whose end is seen. Whatever is in
another form is refused, and the result is read again and compared: every other value of the file must be what it was.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import yaml

from podium.cli.documents import Unreadable, roots
from podium.steering.change import merged

_BETWEEN: Final = re.compile(r"\s*:\s+")  # a key and its value: an alias, an anchor or a tag is refused
_OPENS_BLOCK: Final = re.compile(r"[ \t]*:[ \t]*(#[^\n]*)?\r?\n")
_QUOTED: Final = frozenset({None, "'", '"'})


class NotCertain(Exception):
    """The text cannot be edited with certainty. The message says where."""


class Edit(NamedTuple):
    """Letters of the text that are replaced."""

    start: int
    end: int
    new: str


def edited(text: str, number: int, patch: Mapping[str, Any]) -> str:
    """The text with the spec of its document (from 0) patched. Raises NotCertain."""
    documents = list(roots(text))
    node, value = documents[number]
    key, spec = _entry(node, "spec")
    if key is None or not isinstance(spec, yaml.MappingNode):
        raise NotCertain("spec is no mapping of its own")
    new = text
    for edit in sorted(_Editor(text).mapping(key, spec, patch), reverse=True):
        new = new[: edit.start] + edit.new + new[edit.end :]
    expected = [value for _, value in documents]
    expected[number] = {**value, "spec": merged(value["spec"], patch)}
    try:
        found = [value for _, value in roots(new)]
    except Unreadable as error:
        raise NotCertain(f"the file would not be YAML any more: line {error.line}: {error}") from error
    if found != expected:
        raise NotCertain("another value of the file would change with it")
    return new


def _entry(node: yaml.Node, name: str) -> tuple[yaml.Node | None, yaml.Node | None]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next(((key, value) for key, value in pairs if key.value == name), (None, None))


class _Editor:
    """The edits of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def mapping(self, key: yaml.Node, node: yaml.MappingNode, patch: Mapping[str, Any]) -> Iterator[Edit]:
        """The edits that patch this mapping, which is the value of the key."""
        self._separate(key, node)
        there = {name: _entry(node, name) for name in patch}
        gone = [name for name, part in patch.items() if part is None and there[name][0] is not None]
        new = [name for name, part in patch.items() if part is not None and there[name][0] is None]
        for name in gone:
            own, value = there[name]
            assert own is not None
            assert value is not None
            if new and not _is_block(value):  # another one takes its place: version instead of alias
                yield self._swap(own, value, new[0], patch[new.pop(0)])
            else:
                yield self._remove(node, own, value)
        for name in new:
            yield self._insert(key, node, name, patch[name])
        for name, (own, value) in there.items():
            if own is not None and value is not None and patch[name] is not None:
                yield from self._replace(own, value, patch[name])

    def _replace(self, key: yaml.Node, node: yaml.Node, part: Any) -> Iterator[Edit]:
        if isinstance(part, Mapping):
            if not isinstance(node, yaml.MappingNode):
                raise NotCertain(f"line {_line(node)}: {key.value} is no mapping")
            yield from self.mapping(key, node, part)
        elif isinstance(part, list):
            yield self._append(key, node, part)
        else:
            self._separate(key, node)
            yield Edit(node.start_mark.index, self._scalar_end(node), _flow(part))

    def _swap(self, key: yaml.Node, node: yaml.Node, name: str, part: Any) -> Edit:
        self._separate(key, node)
        return Edit(key.start_mark.index, self._last(node), f"{name}: {_flow(part)}")

    def _remove(self, mapping: yaml.MappingNode, key: yaml.Node, node: yaml.Node) -> Edit:
        """Without the field: its lines of a block, or its place in a flow mapping."""
        self._separate(key, node)
        start, end = key.start_mark.index, self._last(node)
        others = [pair for pair in mapping.value if pair[0] is not key]
        if mapping.flow_style:
            after = [other for other, _ in others if other.start_mark.index > start]
            if after:
                return Edit(start, after[0].start_mark.index, "")
            return Edit(self._last(others[-1][1]) if others else start, end, "")
        line, newline = self._text.rfind("\n", 0, start) + 1, self._text.find("\n", end) + 1
        if not others or self._text[line:start].strip():
            raise NotCertain(f"line {_line(key)}: {key.value} would have to be removed")
        return Edit(line, newline or len(self._text), "")

    def _scalar_end(self, node: yaml.Node) -> int:
        if not isinstance(node, yaml.ScalarNode) or node.style not in _QUOTED:
            raise NotCertain(f"line {_line(node)}: the value is neither plain nor quoted")
        end: int = node.end_mark.index
        return end

    def _separate(self, key: yaml.Node, node: yaml.Node) -> None:
        """Refuses a value that is written elsewhere (an alias), or has an anchor or a tag before it."""
        start, end = key.end_mark.index, node.start_mark.index
        block = _is_block(node)
        between = self._text[start:end]
        opened = _OPENS_BLOCK.match(between) if block else _BETWEEN.fullmatch(between)
        if not opened or self._text[end : end + 1] in {"&", "!", "*"}:
            raise NotCertain(f"line {_line(key)}: {key.value} has an anchor, an alias or a tag")

    def _insert(self, key: yaml.Node, node: yaml.MappingNode, name: str, part: Any) -> Edit:
        """A new field: the first one of a block, or the last one of a flow mapping."""
        if node.flow_style:
            at = node.value[-1][1].end_mark.index if node.value else node.end_mark.index - 1
            return Edit(at, at, f"{', ' if node.value else ''}{name}: {_flow(part)}")
        opened = _OPENS_BLOCK.match(self._text, key.end_mark.index)
        if opened is None:
            raise NotCertain(f"line {_line(key)}: {key.value} does not begin on a line of its own")
        indent = " " * node.start_mark.column
        return Edit(opened.end(), opened.end(), indent + self._block(name, part, indent) + self._newline)

    def _block(self, name: str, part: Any, indent: str) -> str:
        if not isinstance(part, list):
            return f"{name}: {_flow(part)}"
        return f"{name}:" + "".join(f"{self._newline}{indent}  - {_flow(one)}" for one in part)

    def _append(self, key: yaml.Node, node: yaml.Node, part: list[Any]) -> Edit:
        """What is new at the end of a list."""
        self._separate(key, node)
        if not isinstance(node, yaml.SequenceNode) or len(node.value) >= len(part):
            raise NotCertain(f"line {_line(node)}: {key.value} is no list to append to")
        new = part[len(node.value) :]
        if node.flow_style:
            at = node.value[-1].end_mark.index if node.value else node.end_mark.index - 1
            return Edit(at, at, (", " if node.value else "") + ", ".join(map(_flow, new)))
        end = self._text.find("\n", self._last(node)) + 1
        at, before = (end, "") if end else (len(self._text), self._newline)
        after = self._newline if end else ""
        indent = " " * node.start_mark.column
        return Edit(at, at, before + self._newline.join(f"{indent}- {_flow(one)}" for one in new) + after)

    def _last(self, node: yaml.Node) -> int:
        """Where the last letter of a value is: a block's own mark is behind the comments that follow it."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style:
            return self._last(node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1])
        return node.end_mark.index if isinstance(node, yaml.CollectionNode) else self._scalar_end(node)


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _flow(part: Any) -> str:
    """A value on one line. Text is quoted: kubectl reads a bare 7 as a number."""
    if isinstance(part, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(value)}" for key, value in part.items()) + "}"
    if isinstance(part, Sequence) and not isinstance(part, str):
        return "[" + ", ".join(map(_flow, part)) + "]"
    return json.dumps(part, ensure_ascii=False)


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1
