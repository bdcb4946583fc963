"""The files of a model on disk, and their digest. Files are hashed as a stream: a model may be larger than memory."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from podium.core.digest import digest_of


class LinkFound(ValueError):
    """A symbolic link among a model's files; its path is the argument."""


def digest_of_directory(directory: Path) -> str:
    """Return the digest of all files below the directory. Raises LinkFound."""
    return digest_of({path.relative_to(directory).as_posix(): sha256_of(path) for path in files_below(directory)})


def files_below(directory: Path) -> Iterator[Path]:
    """All files below the folder. Raises LinkFound: what a link leads to can change after it was hashed."""
    for folder, folders, names in os.walk(directory):
        for name in (*folders, *names):
            if Path(folder, name).is_symlink():
                raise LinkFound(Path(folder, name).relative_to(directory).as_posix())
        for name in names:
            yield Path(folder, name)


def sha256_of(path: Path) -> str:
    """The file's SHA-256, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
