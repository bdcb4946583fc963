"""What a pod's `/metrics` says of the version and its answers. Pure, and wary: the text comes from what is on trial.

Which outcomes count as evidence: ok, model_error, nan and timeout are answers; the last three are bad. client_error is
nobody's fault but the client's. overload (the queue was full) speaks of the pods' number, not of the version: it would
condemn a good version for too few replicas, so it is left out of both counts.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

from podium.core.facts import Counters, Identity
from podium.ports import Statement

GOOD: Final = frozenset({"ok"})
BAD: Final = frozenset({"model_error", "nan", "timeout"})
_INFO: Final = "podium_model_info"
_REQUESTS: Final = "podium_requests_total"
_LARGEST: Final = 2**53  # floats count exactly up to here
_SAMPLE: Final = re.compile(r"^(podium_model_info|podium_requests_total)\{(.{0,4096})\}[ \t]+(\S{1,64})(?:[ \t].*)?$")
_LABEL: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]{0,63})="((?:[^"\\]|\\.){0,1024})"[ ,]*')
_ESCAPES: Final = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def statement(text: str) -> Statement | None:
    """Read the text; None where it holds no count that can be believed."""
    identities, answers, bad = set(), 0, 0
    for name, labels, number in _samples(text):
        count = _count(number)
        if count is None:
            return None
        if name == _INFO and count == 1:
            identities.add(Identity(labels.get("version", ""), labels.get("digest", "")))
        elif name == _REQUESTS and labels.get("outcome") in GOOD | BAD:
            answers += count
            bad += count if labels["outcome"] in BAD else 0
    if not identities and not answers:
        return None
    # Two identities at once are no identity: such a pod proves nothing.
    return Statement(identities.pop() if len(identities) == 1 else None, Counters(answers=answers, bad=bad))


def _samples(text: str) -> Iterator[tuple[str, Mapping[str, str], str]]:
    for line in text.splitlines():
        if found := _SAMPLE.match(line):
            labels = {name: re.sub(r"\\.", _unescape, value) for name, value in _LABEL.findall(found[2])}
            yield found[1], labels, found[3]


def _unescape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], found[0])


def _count(text: str) -> int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if math.isfinite(number) and 0 <= number <= _LARGEST else None
