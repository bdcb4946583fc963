"""Text from outside, made fit for messages: one line, bounded, without control characters, logins and secrets."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

LONGEST = 200  # characters; a condition's message holds several such texts, and ends at 32,768
_SHORTEST_SECRET = 4  # a shorter one is no secret, and masking it would make every message unreadable
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")  # with bidi overrides
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")


def plain(text: object, *, secrets: Iterable[str] = (), longest: int = LONGEST) -> str:
    """Return the text as one bounded line in which no secret and no login of a URL is left."""
    cleaned = _USERINFO.sub("", str(text)[: 50 * longest])
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            cleaned = cleaned.replace(secret, "***")
    cleaned = " ".join(_UNPRINTED.sub(" ", cleaned).split())
    return cleaned if len(cleaned) <= longest else f"{cleaned[: longest - 1]}…"


def plain_uri(uri: str) -> str:
    """Return the URI as far as any reader may see it: without login, query and fragment."""
    parts = urlsplit(uri)
    return plain(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))
