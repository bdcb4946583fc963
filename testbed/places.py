"""Where things are kept: all of it in one cache folder, none of it in the work tree."""

import os
from pathlib import Path


def cache() -> Path:
    """`$PODIUM_CACHE`, or `podium` in the user's cache folder."""
    if chosen := os.environ.get("PODIUM_CACHE"):
        return Path(chosen).expanduser().absolute()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser().absolute() / "podium"


def folder(*names: str) -> Path:
    """A folder in the cache, made if it is not there."""
    path = cache().joinpath(*names)
    path.mkdir(parents=True, exist_ok=True)
    return path


def recipe(name: str) -> Path:
    """The folder with the sources of a layer."""
    return Path(__file__).parent / "recipes" / name


def flat(name: str) -> str:
    """A name that is one file's name."""
    return name.replace("/", "-").replace(":", "-")


def write(path: Path, text: str) -> None:
    """Writes a file unless it says just that, and so that no reader ever sees half of it."""
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(text)
    unfinished.replace(path)
