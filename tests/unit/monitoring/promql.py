"""Which metrics and labels a PromQL expression names, as far as rules and dashboards use the language."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

_TOKEN: Final = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<range>\[[^\]]*\])|(?P<name>[a-zA-Z_:][\w:]*)'
    r"|(?P<number>\d[\w.]*|\$\w+)|(?P<operator>=~|!~|!=|==|>=|<=|[-+*/%^<>={}(),]))"
)
_AGGREGATIONS: Final = frozenset({"sum", "max", "min", "count", "avg"})
_FUNCTIONS: Final = _AGGREGATIONS | {"rate", "increase", "changes", "histogram_quantile", "absent", "time"}
_GROUPING: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS: Final = frozenset({"and", "or", "unless", "bool"})
Matchers = Mapping[str, str]  # label to the value or pattern that it is compared with


@dataclass
class Expression:
    """What an expression names."""

    metrics: list[tuple[str, Matchers]] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)  # labels in by (…) and the like


def parsed(text: str) -> Expression:
    """The names in it. Raises AssertionError where it holds what no rule and no dashboard uses yet."""
    found, tokens = Expression(), list(_tokens(text))
    at = 0
    while at < len(tokens):
        kind, token = tokens[at]
        at += 1
        following = tokens[at][1] if at < len(tokens) else ""
        if kind != "name" or token in _WORDS:
            continue
        if token in _GROUPING:
            labels, at = _until(tokens, at, ")")
            found.grouped |= {label for kind, label in labels if kind == "name"}
        elif following in {"(", "by", "without"}:
            assert token in _FUNCTIONS, f"{token} is no function that is known here: {text}"
        elif following == "{":
            inside, at = _until(tokens, at, "}")
            found.metrics.append((token, _matchers(inside)))
        else:
            found.metrics.append((token, {}))
    return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, text = 0, text.strip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        assert token is not None, f"no PromQL that is known here: {text[at:]}"
        kind = str(token.lastgroup)
        yield kind, token[kind]
        at = token.end()


def _until(tokens: list[tuple[str, str]], at: int, end: str) -> tuple[list[tuple[str, str]], int]:
    stop = next(place for place in range(at, len(tokens)) if tokens[place][1] == end)
    return tokens[at + 1 : stop], stop + 1


def _matchers(inside: list[tuple[str, str]]) -> Matchers:
    names = [place for place, (kind, _) in enumerate(inside) if kind == "name"]
    return {inside[place][1]: inside[place + 2][1].strip('"') for place in names}
