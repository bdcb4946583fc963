"""How the server ends: one table of exit codes, and the error that chooses among them.

The operator maps the codes to messages; numbers are never reused. 1 is left to Python, 2 to the command line.
"""

import re
from enum import IntEnum
from urllib.parse import urlsplit

REASON_LIMIT = 2000  # bytes; a pod's termination message holds 4096, shared by all its containers


class Exit(IntEnum):
    """The exit codes of `python -m podium.runtime`."""

    DONE = 0  # drained after SIGTERM
    BAD_SETTINGS = 2  # a setting is missing or cannot be read
    NOT_FETCHED = 3  # no source gave the model: registry unreachable, wrong name, refused login
    NOT_LOADED = 4  # the files are here, but they do not become a model
    DIGEST_MISMATCH = 5  # the files are not the ones that were pinned
    REQUIREMENT_MISSING = 6  # a package that the model needs is not installed
    WARM_UP_FAILED = 7  # the model cannot answer its own input example
    PORT_UNAVAILABLE = 8  # the port cannot be listened on
    STALLED = 9  # a prediction did not return in time: the model hangs
    NO_STORAGE = 10  # files here cannot be written or read: a full or read-only disk, no permission
    UNFORESEEN = 11  # a fault of the server itself, whose trace is in the log
    PROCESS_LOST = 12  # a process that predicts ended, as a crash of the model or a lack of memory makes it
    SIGNATURE_NOT_VERIFIED = 13  # none of the keys that are asked for has signed the files


class StartError(Exception):
    """The server cannot start serving, or go on; says so in one line, for people, without secrets."""

    def __init__(self, exit_code: Exit, reason: str) -> None:
        self.exit_code = exit_code
        self.reason = one_line(reason)
        super().__init__(self.reason)


class RestartNeeded(Exception):
    """A version that a process of its own can load, and one in which another version serves cannot."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this version needs a new process: {reason}")


def one_line(text: str) -> str:
    """Make a text fit for a termination message: one line, bounded, and no secret of a URI in it."""
    flat = re.sub(r"\s+", " ", without_secrets(text)).strip()
    return flat.encode(errors="replace")[:REASON_LIMIT].decode(errors="ignore")  # variables may hold broken UTF-8


def without_secrets(text: str) -> str:
    """Drop userinfo, query and fragment of every URI in the text: presigned URLs and logins are secrets."""
    return re.sub(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s'\"<>)\]]+", _bare_uri, text)


def _bare_uri(match: re.Match[str]) -> str:
    try:
        parts = urlsplit(match.group())
    except ValueError:  # a half-broken URI can still hold a password
        return f"{match.group().partition('://')[0]}://…"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
