"""PromQL with placeholders, filled in. Pure, and safe whatever the values hold.

A placeholder such as `{{version}}` stands inside of quotes and nowhere else, so that a value is always text and never
becomes code. It is escaped as Go does it, whose rules PromQL has; where the text is a pattern (`=~`, `!~`), its
metacharacters are escaped before, as RE2 wants it. Strings in backticks know no escapes and take no placeholders.
https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Final

from podium.api.v1alpha1.spec.guards import PLACEHOLDERS

_TOKEN: Final = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<quoted>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*')
      | (?P<raw>`[^`]*`)
      | (?P<code>[^#"'`]+)
      | (?P<open>["'`])""",
    re.VERBOSE | re.DOTALL,
)
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w*)\s*\}\}")
_IN_QUOTES: Final = re.compile(rf"\\.|{_PLACEHOLDER.pattern}", re.DOTALL)  # an escape keeps what follows it
_PATTERN: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f]")


def fill(template: str, values: Mapping[str, str]) -> str:
    """The query for these values; `values` has every name of PLACEHOLDERS.

    Raises ValueError where a placeholder is not known or not inside of quotes, and where a string has no end.
    """
    made, operator = [], ""  # the last two characters of code before a string
    for token in _TOKEN.finditer(template):
        text, kind = token[0], token.lastgroup
        if kind == "open":
            raise ValueError(f"unterminated string at character {token.start() + 1}: {text_at(token)}")
        if kind in {"code", "raw"} and (stray := _PLACEHOLDER.search(text)):
            raise ValueError(f"expected {stray[0]} inside of \"…\" or '…', found it in {text.strip()[:60]}")
        if kind == "quoted":
            text = _IN_QUOTES.sub(partial(_value, values=values, quote=text[0], pattern=operator in {"=~", "!~"}), text)
        if kind != "comment":
            operator = "".join((operator + text).split())[-2:]
        made.append(text)
    return "".join(made)


def text_at(token: re.Match[str]) -> str:
    """The beginning of what stands there, for a message."""
    return token.string[token.start() : token.start() + 20]


def _value(found: re.Match[str], *, values: Mapping[str, str], quote: str, pattern: bool) -> str:
    name = found[1]
    if name is None:
        return found[0]
    if name not in PLACEHOLDERS:
        known = ", ".join(f"{{{{{one}}}}}" for one in PLACEHOLDERS)
        raise ValueError(f"expected one of {known}, found {found[0]}")
    text = _PATTERN.sub(r"\\\g<0>", values[name]) if pattern else values[name]
    escaped = text.replace("\\", r"\\").replace(quote, f"\\{quote}")
    return _UNSAFE.sub(lambda control: f"\\x{ord(control[0]):02x}", escaped)
