r"""The digest that pins a model version: one hash over the hashes of its files.

Any user can check it with a shell, in the model's directory:

    find . -type f ! -name registered_model_meta -printf '%P\n' | LC_ALL=C sort \
        | xargs -d '\n' sha256sum | sha256sum
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

MOST_FILES: Final = 10_000  # of a version
DEEPEST: Final = 32  # folders in one another
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\\]")  # a line break would make two lines of one in the digest

# MLflow writes this file beside a model when it downloads it, with the name it was asked for: it is not the model's.
IGNORED_FILES = frozenset({"registered_model_meta"})


def digest_of(files: Mapping[str, str]) -> str:
    """Return `sha256:<hex>` over the lines that `sha256sum` prints for the files, sorted by path.

    `files` maps a path (relative, with slashes) to the sha256 of the file's content in hex.
    Files that MLflow adds on download are left out, wherever they lie.
    """
    total = hashlib.sha256()
    for path in sorted(files, key=_encoded):
        if path.rpartition("/")[2] not in IGNORED_FILES:
            total.update(_line(files[path], path))
    return f"sha256:{total.hexdigest()}"


def is_plain(path: str) -> bool:
    """Whether a path is relative, with slashes, and leads nowhere but into the model's folder."""
    inside = not path.startswith("/") and all(part not in {"", ".", ".."} for part in path.split("/"))
    return inside and not _CONTROL.search(path)


def _line(content: str, path: str) -> bytes:
    """A path of two lines is written as one, as sha256sum does: it could be read as another file otherwise."""
    name, mark = _encoded(path), b""
    if b"\n" in name:
        name, mark = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n"), b"\\"
    return mark + content.encode() + b"  " + name + b"\n"


def _encoded(path: str) -> bytes:
    """The path's bytes; those that are no UTF-8 come as `os.fsdecode` has them."""
    return path.encode(errors="surrogateescape")
