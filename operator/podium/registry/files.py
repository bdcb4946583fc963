"""The files of a version: listed, hashed as Podium pins them, and brought into a folder whole or not at all.

What MLflow's server proxies is read over HTTP. What lies in an object store that only MLflow's client knows is left to
that client, which is imported then and not before.
"""

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote, urlsplit

from podium.core.digest import DEEPEST, IGNORED_FILES, MOST_FILES, digest_of, is_plain
from podium.core.printable import plain
from podium.errors import NotFound, Rejected, Unavailable
from podium.registry.rest import Rest
from podium.registry.versions import Version

PROXY: Final = "/api/2.0/mlflow-artifacts/artifacts"
_READ: Final = 2**20  # bytes at a time
_LOGGED: Final = re.compile(r"models:/(m-[0-9a-f]{32})")
Write = Callable[[bytes], object]


@dataclass(frozen=True)
class Downloaded:
    """The files of a version in a folder, or only their hashes."""

    path: Path | None
    digest: str
    files: tuple[str, ...]  # relative paths
    fresh: bool = True  # False where the folder had them already


class Files:
    """The artifacts behind one MLflow server."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def digest(self, version: Version) -> Downloaded:
        """The digest of a version's files, none of which is kept."""
        with TemporaryDirectory(prefix="podium-digest-") as scratch:
            found = self._fetch(version, Path(scratch))
        return Downloaded(None, digest_of(found), tuple(sorted(found)))

    def download(self, version: Version, to: Path, *, expected: str = "") -> Downloaded:
        """The files in the folder `to`, which is made. `expected` is the digest that they must have; "" for any."""
        there = folder_digest(to)
        if there is not None:
            return self._there_already(version, to, there, expected)
        to.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".podium-", dir=to.parent) as scratch:
            folder = Path(scratch) / "files"
            folder.mkdir()
            found = self._fetch(version, folder)
            digest = digest_of(found)
            _check(version, digest, expected)
            folder.rename(to)
        return Downloaded(to, digest, tuple(sorted(found)))

    def _there_already(self, version: Version, to: Path, there: str, expected: str) -> Downloaded:
        """A folder is never written over: it has the version, or is refused."""
        wanted = expected or self.digest(version).digest
        if there != wanted:
            raise Rejected(
                f"{to} was not changed: expected nothing there or {_named(version)} ({wanted}), found "
                f"other files ({there}); do: name another folder with --to"
            )
        return Downloaded(to, there, tuple(sorted(_hashed(to))), fresh=False)

    def _fetch(self, version: Version, folder: Path) -> dict[str, str]:
        """The files in the folder, and the sha256 of each by its path."""
        location = self.location(version)
        if urlsplit(location).scheme != "mlflow-artifacts":
            _by_client(location, folder, self._rest.uri)
            return _hashed(folder)
        root = urlsplit(location).path.strip("/")
        found: dict[str, str] = {}
        for path in self._paths(root, ""):
            if len(found) == MOST_FILES:
                raise Rejected(f"{_named(version)} are more than {MOST_FILES} files")
            found[path] = self._file(f"{root}/{path}", folder / path)
        if not found:
            raise NotFound(f"{_named(version)} not found: there is not one file; do: log and register the model again")
        return found

    def location(self, version: Version) -> str:
        """Where its artifacts are, by a URI that no registry has to resolve."""
        asked = {"name": version.model, "version": version.number}
        uri = str(self._rest.get("model-versions/get-download-uri", _named(version), **asked).get("artifact_uri") or "")
        logged = _LOGGED.fullmatch(uri)
        if logged is not None:
            found = self._rest.get(f"logged-models/{logged[1]}", _named(version))
            return str(found["model"]["info"]["artifact_uri"])
        run, _, path = uri.removeprefix("runs:/").partition("/")
        if uri.startswith("runs:/"):
            found = self._rest.get("runs/get", _named(version), run_id=run)
            return f"{str(found['run']['info']['artifact_uri']).rstrip('/')}/{path}"
        return uri

    def _paths(self, root: str, folder: str, depth: int = 0) -> Iterator[str]:
        if depth > DEEPEST:
            raise Rejected(f"artifacts at {root} lie below {DEEPEST} folders")
        asked = {"path": f"{root}/{folder}".rstrip("/")}
        for each in self._rest.listed(PROXY, f"artifacts at {root}", **asked).get("files") or ():
            path = f"{folder}/{_name(each)}".lstrip("/")
            if each.get("is_dir"):
                yield from self._paths(root, path, depth + 1)
            else:
                yield path

    def _file(self, path: str, to: Path) -> str:
        to.parent.mkdir(parents=True, exist_ok=True)
        hashed = hashlib.sha256()
        with self._rest.stream(f"{PROXY}/{quote(path)}", f"file {path}") as answer, to.open("wb") as file:
            while part := answer.read(_READ):
                hashed.update(part)
                file.write(part)
        return hashed.hexdigest()


def folder_digest(folder: Path) -> str | None:
    """The digest of the files in a folder; None where there are none."""
    found = _hashed(folder) if folder.is_dir() else {}
    return digest_of(found) if found else None


def _hashed(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in IGNORED_FILES]
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(entry: Any) -> str:
    """The last part of an entry's path, which may not lead elsewhere."""
    name = str(entry.get("path") or "").rpartition("/")[2]
    if not is_plain(name):
        raise Rejected(f"expected plain names of files, found {plain(name)[:60]!r} among the artifacts")
    return name


def _check(version: Version, digest: str, expected: str) -> None:
    if expected and digest != expected:
        raise Rejected(
            f"{_named(version)} were not kept: expected {expected}, which Podium recorded, found {digest}: they have "
            "been changed since; do: register the model again"
        )


def _named(version: Version) -> str:
    return f"the artifacts of version {version.number} of {version.model}"


def _by_client(location: str, folder: Path, uri: str) -> None:
    """Downloaded by MLflow's client, which has a login of its own for the store."""
    shown = plain(location.rpartition("@")[2])
    if urlsplit(location).scheme in {"", "file"} and not Path(urlsplit(location).path).is_dir():
        raise NotFound(f"the artifacts are at {shown}, on another machine; do: start MLflow with --serve-artifacts")
    try:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository  # noqa: PLC0415
    except ImportError as error:
        raise Rejected(
            f"the artifacts are at {shown}; do: pip install 'podium[registry]', which can read them"
        ) from error
    try:
        get_artifact_repository(location, tracking_uri=uri, registry_uri=uri).download_artifacts("", str(folder))
    except ImportError as error:
        raise Rejected(
            f"could not read {shown}: {error.name} is not installed; do: pip install {error.name}"
        ) from error
    except Exception as error:  # clients of stores raise what they like
        raise Unavailable(f"could not read {shown}: {plain(str(error))[:300]}") from error
    for path in [each for each in folder.rglob("*") if each.name in IGNORED_FILES]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
