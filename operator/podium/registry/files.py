"""The files of a version: listed, hashed as Podium pins them, and brought into a folder whole or not at all.

What MLflow's server proxies is read over HTTP. What lies in an object store that only MLflow's client knows is left to
that client, which is imported then and not before.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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
_LOGGED: Final = re.compile(r"models:/(m-[0-9a-f]{32})")


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
        """The files in the folder `to`, which is made. `expected` is the digest that they must have; "" for any.

        Raises Rejected where there is another thing than a folder, and where it cannot be written.
        """
        with _written(to):
            to = _folder(to)
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
        for path, size in self._paths(root, ""):
            if len(found) == MOST_FILES:
                raise Rejected(f"{_named(version)} are more than {MOST_FILES} files")
            found[path] = self._file(f"{root}/{path}", folder / path, size)
        if not found:
            raise NotFound(f"{_named(version)} not found: there is not one file; do: log and register the model again")
        return found

    def location(self, version: Version) -> str:
        """Where its artifacts are, by a URI that no registry has to resolve."""
        what, asked = _named(version), {"name": version.model, "version": version.number}
        with self._rest.understood(what):
            uri = str(self._rest.get("model-versions/get-download-uri", what, **asked).get("artifact_uri") or "")
            logged = _LOGGED.fullmatch(uri)
            if logged is not None:
                found = self._rest.get(f"logged-models/{logged[1]}", what)
                return str(found["model"]["info"]["artifact_uri"])
            run, _, path = uri.removeprefix("runs:/").partition("/")
            if uri.startswith("runs:/"):
                found = self._rest.get("runs/get", what, run_id=run)
                return f"{str(found['run']['info']['artifact_uri']).rstrip('/')}/{path}"
            return uri

    def _paths(self, root: str, folder: str, depth: int = 0) -> Iterator[tuple[str, int | None]]:
        """Each file, and how many bytes the server says that it has."""
        if depth > DEEPEST:
            raise Rejected(f"artifacts at {root} lie below {DEEPEST} folders")
        what, asked = f"artifacts at {root}", {"path": f"{root}/{folder}".rstrip("/")}
        with self._rest.understood(what):
            listed = [
                (_name(each), bool(each.get("is_dir")), each.get("file_size"))
                for each in self._rest.listed(PROXY, what, **asked).get("files") or ()
            ]
            sizes = {name: None if size is None else int(size) for name, _, size in listed}
        for name, is_dir, _ in listed:
            path = f"{folder}/{name}".lstrip("/")
            if is_dir:
                yield from self._paths(root, path, depth + 1)
            else:
                yield path, sizes[name]

    def _file(self, path: str, to: Path, size: int | None) -> str:
        """Its sha256. Raises Unavailable where it is not as long as it is listed: it breaks off, or never ends."""
        to.parent.mkdir(parents=True, exist_ok=True)
        hashed, found = hashlib.sha256(), 0
        with to.open("wb") as file:
            for part in self._rest.parts(f"{PROXY}/{quote(path)}", f"file {path}"):
                found += len(part)
                if size is not None and found > size:
                    break
                hashed.update(part)
                file.write(part)
        if size is not None and found != size:
            more = "more" if found > size else str(found)
            raise Unavailable(
                f"could not read file {path}: expected {size} bytes, as listed, found {more}; do: try again"
            )
        return hashed.hexdigest()


def _folder(to: Path) -> Path:
    """Where a link leads, if it is one. Raises Rejected where something else than a folder is there."""
    if to.is_symlink() and to.is_dir():
        return to.resolve()
    if to.is_symlink() or (to.exists() and not to.is_dir()):
        found = "a link that leads to no folder" if to.is_symlink() else "something else"
        raise Rejected(
            f"{to} was not changed: expected a folder or nothing there, found {found}; do: name another with --to"
        )
    return to


@contextmanager
def _written(to: Path) -> Iterator[None]:
    """A disk that is full, or a folder that may not be written, is told as what it is."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise Rejected(
            f"could not write {to}: {error.strerror or error}{where}; do: name another folder with --to"
        ) from error


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
