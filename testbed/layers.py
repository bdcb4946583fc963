"""Builds, each kept in the cache under the hash of what it was made from.

A layer is a folder of files or an image of the container engine. Its name ends with its key, so a layer whose
inputs have not changed is found, and one whose inputs have is built beside the old one. Keys of layers below are
among the inputs. A folder is built under another name and renamed when it is whole: a half-finished build never
counts.
"""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from testbed import places
from testbed.locks import held
from testbed.progress import step


def key_of(*inputs: str | Path) -> str:
    """Twelve hex digits for texts and for files and folders by their content, names and modes.

    A folder's own name and place do not count; caches that tools leave behind do not either.
    """
    total = hashlib.sha256()
    for each in inputs:
        for part in _parts(each):
            total.update(len(part).to_bytes(8, "big"))
            total.update(part)
    return total.hexdigest()[:12]


def identity(path: Path) -> str | Path:
    """What stands for a file in a key: its place in the cache, which ends with a key, or else its content."""
    return str(path.relative_to(places.cache())) if path.is_relative_to(places.cache()) else path


def _parts(each: str | Path) -> list[bytes]:
    if isinstance(each, str):
        return [b"text", each.encode()]
    if each.is_dir():
        inside = sorted(path for path in each.rglob("*") if not path.is_dir() and "__pycache__" not in path.parts)
        return [part for path in inside for part in [str(path.relative_to(each)).encode(), *_parts(path)]]
    if each.is_symlink():
        return [b"link", str(each.readlink()).encode()]
    return [b"file", oct(each.stat().st_mode & 0o111).encode(), each.read_bytes()]


def kept_folder(name: str, key: str, build: Callable[[Path], None]) -> Path:
    """The folder of a layer; `build` fills an empty one where it is not in the cache yet."""
    place = places.folder("layers") / f"{name}-{key}"
    if place.exists():
        return place
    with held(f"layer-{name}"):
        if place.exists():
            return place
        unfinished = place.with_name(f"{place.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        with step(f"building {name}"):
            build(unfinished)
        unfinished.rename(place)
    return place


def log_of(name: str) -> Path:
    """An empty log for a build. The last build's log stays until the next one of that name."""
    log = places.folder("logs") / f"{name}.log"
    log.write_text("")
    return log
