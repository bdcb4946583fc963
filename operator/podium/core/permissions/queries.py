"""PromQL that sees one tenant's series alone: a matcher is added to each selector of a query.

Only what is surely understood passes: a word that could be read in two ways, or a form that other servers of the same
API add to PromQL, is refused. https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
      | (?P<range>\[[0-9a-z\s.:]*\])
      | (?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?
          (?:ms|[smhdwy])?(?:[0-9]+(?:ms|[smhdwy]))*)
      | (?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
      | (?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=@(){},])""",
    re.VERBOSE,
)
# Words with a list of labels in parentheses behind them.
_GROUPINGS: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_KEYWORDS: Final = _GROUPINGS | {"and", "or", "unless", "atan2", "offset", "bool"}
# Those that Prometheus takes for the name of a metric where an operand may stand.
_NAMES_TOO: Final = frozenset({"and", "or", "unless", "atan2", "by", "without", "offset"})
_NUMBERS: Final = frozenset({"inf", "nan"})
_MATCHING: Final = frozenset({"=", "!=", "=~", "!~"})
_UNCONFINED: Final = frozenset({"info", "with"})  # info reads series that no selector names; WITH is no PromQL
Token = tuple[str, str]  # kind and text


def confined(query: str, label: str, value: str) -> str:
    """The query with `label="value"` in each selector. Raises ValueError where that is not sure to confine it."""
    escaped = value.replace("\\", r"\\").replace('"', r"\"")
    return "".join(_confined(list(_tokens(query)), f'{label}="{escaped}"'))


def _tokens(query: str) -> Iterator[Token]:
    place, inside = 0, False
    while place < len(query):
        found = _TOKEN.match(query, place)
        if found is None:
            raise ValueError(f"expected PromQL, found {query[place : place + 20]!r}")
        kind, place = found.lastgroup or "", found.end()
        if found[0] in {"=", "=~", "!~", "}"} and not inside:
            raise ValueError(f"expected PromQL, found {found[0]!r} outside of a selector")
        inside = found[0] == "{" or (inside and found[0] != "}")
        yield kind, " " if kind == "space" else found[0]


def _confined(tokens: list[Token], matcher: str) -> Iterator[str]:
    place, operand = 0, True  # whether an operand may stand here
    while place < len(tokens):
        (kind, text), (following, behind) = tokens[place], _next(tokens, place + 1)
        if text == "{":
            place, selector = _selector(tokens, place, matcher)
            yield selector
            operand = False
        elif kind == "word":
            if text.lower() in _GROUPINGS and following == "(":
                end = _end_of_labels(tokens, behind)
                yield "".join(each for _, each in tokens[place:end])
                place = end - 1
            elif _selects(text.lower(), following, operand=operand):
                if following == "{":
                    place, selector = _selector(tokens, behind, matcher)
                else:
                    selector = f"{{{matcher}}}"
                yield text + selector
                operand = False
            else:
                yield text
                operand = text.lower() in _KEYWORDS - {"offset"}
        else:
            yield text
            operand = operand if kind == "space" else kind == "sign" and text != ")"
        place += 1


def _selects(word: str, following: str, *, operand: bool) -> bool:
    """Whether a word is the name of a metric. Raises ValueError where that is not sure, or of no use to know."""
    if word in _KEYWORDS:
        if operand and word in _NAMES_TOO:
            raise ValueError(f"{word!r} is no name of a metric: write it as {{__name__={word!r}}}")
        return False
    if following == "(" and word in _UNCONFINED:
        raise ValueError(f"{word}() is not possible where queries are confined")
    return following != "(" and following.lower() not in {"by", "without"} and word not in _NUMBERS


def _next(tokens: list[Token], place: int) -> tuple[str, int]:
    """The next token that is no space, and where it is; "" at the end."""
    while place < len(tokens) and tokens[place][0] == "space":
        place += 1
    return (tokens[place][1] if place < len(tokens) else ""), place


def _selector(tokens: list[Token], place: int, matcher: str) -> tuple[int, str]:
    """Where the selector that begins here ends, and it with the matcher. Raises ValueError for what is no selector."""
    made: list[str] = []
    for end in range(place + 1, len(tokens)):
        kind, text = tokens[end]
        if text == "}":
            inside = "".join(made).strip().rstrip(",").rstrip()
            return end, f"{{{inside}{', ' if inside else ''}{matcher}}}"
        label = kind == "word" and _next(tokens, end + 1)[0] in _MATCHING
        if not (label or kind in {"space", "text"} or text in _MATCHING or text == ","):
            raise ValueError(f'expected label="value" in a selector, found {text!r}')
        made.append(text)
    raise ValueError("a selector has no end")


def _end_of_labels(tokens: list[Token], place: int) -> int:
    """Behind the list of labels that begins here."""
    for end in range(place + 1, len(tokens)):
        kind, text = tokens[end]
        if text == ")":
            return end + 1
        if kind not in {"space", "word", "text"} and text != ",":
            raise ValueError(f"expected names of labels, found {text!r}")
    raise ValueError("a list of labels has no end")
