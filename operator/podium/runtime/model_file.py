"""The file that names the model to serve: read at the start, and watched, so that a word reaches a server that runs.

    {"uri": "models:/churn/8", "digest": "sha256:…"}

In a pod it is a ConfigMap's volume, or an annotation by the downward API. Kubernetes replaces such files whole; whoever
writes one elsewhere writes beside it and renames, or is asked again half a second later.
"""

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from podium.runtime.exits import Exit, StartError
from podium.runtime.reference import Reference, reference_of

_KEYS = frozenset({"uri", "digest"})
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
DIGEST_FORM = "sha256: and 64 hexadecimal digits in lower case"
_LIMIT = 16 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version that is pinned: where it is, and what its files hash to."""

    reference: Reference
    digest: str


def wanted_by(file: Path) -> Wanted | None:
    """Return the version that the file names; None where there is no file, or it is empty.

    Raises StartError: it names no pinned version.
    """
    try:
        with open(file, "rb", opener=_at_once) as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise StartError(Exit.BAD_SETTINGS, f"{file}: expected a file, found something else")
            content = opened.read(_LIMIT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartError(Exit.BAD_SETTINGS, f"{file}: cannot be read ({error.strerror})") from error
    return _parsed(file, content) if content.strip() or len(content) > _LIMIT else None


def _at_once(path: str, flags: int) -> int:
    """Open without waiting: a named pipe would hold the whole server until another process writes to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def _parsed(file: Path, content: bytes) -> Wanted:
    try:
        found = json.loads(content) if len(content) <= _LIMIT else None
    except (ValueError, RecursionError):
        found = None
    if (
        not isinstance(found, dict)
        or found.keys() != _KEYS
        or not all(isinstance(each, str) for each in found.values())
    ):
        wanted = '{"uri": "models:/<name>/<version>", "digest": "sha256:…"}'
        raise StartError(Exit.BAD_SETTINGS, f"{file}: expected JSON as {wanted}, found something else")
    if not DIGEST.fullmatch(found["digest"]):
        expected = f"expected a digest of {DIGEST_FORM}, found {found['digest'][:80]!r}"
        raise StartError(Exit.BAD_SETTINGS, f"{file}: {expected}")
    return Wanted(reference_of(found["uri"], str(file)), found["digest"])
