"""The last good copy of each reference, by digest, so that a restarted pod starts while the registry is down.

    <cache>/models/<digest>/…        the files, exactly as they were hashed
    <cache>/references/<sha256>.json which digest a reference had, whose it was, and when it was saved

Several pods may share a cache: a copy is written beside its place and renamed into it, and is hashed again before use.
"""

import hashlib
import json
import logging
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from podium.runtime.identity import Identity
from podium.runtime.loading.artifact import digest_of_directory

log = logging.getLogger(__name__)

KEPT = 3  # copies; the oldest beyond them go


@dataclass(frozen=True, slots=True)
class Copy:
    """A model's files in the cache, and whose they were."""

    directory: Path
    identity: Identity
    saved_at: str


class Cache:
    """A directory of copies. What fails here is logged and never ends a start: a cache is a help, not a need."""

    def __init__(self, directory: Path) -> None:
        self._models = directory / "models"
        self._references = directory / "references"

    def last_good(self, reference: str) -> Copy | None:
        """Return the copy that was saved for this reference, if it is whole."""
        try:
            saved = json.loads(self._note(reference).read_text())
            identity = Identity(**saved["identity"])
            directory = self._place(identity.digest)
            if digest_of_directory(directory) == identity.digest:
                return Copy(directory, identity, saved["saved_at"])
            log.error("the copy of %s in the cache is damaged: its digest is not %s", reference, identity.digest)
        except FileNotFoundError:
            log.info("no copy of %s in the cache", reference)
        except (OSError, ValueError, KeyError, TypeError):
            log.exception("the cache's note on %s cannot be read", reference)
        return None

    def save(self, reference: str, directory: Path, identity: Identity) -> None:
        """Keep the files of a model that has proved itself. `identity.digest` is theirs."""
        try:
            self._keep(directory, identity.digest)
            note = {"reference": reference, "identity": asdict(identity), "saved_at": datetime.now(UTC).isoformat()}
            self._references.mkdir(parents=True, exist_ok=True)
            _write_atomically(self._note(reference), json.dumps(note, indent=1))
            self._forget_the_oldest()
        except OSError:
            log.exception("the model could not be kept in the cache")

    def _place(self, digest: str) -> Path:
        return self._models / digest.replace(":", "-")

    def _note(self, reference: str) -> Path:
        return self._references / f"{hashlib.sha256(reference.encode()).hexdigest()}.json"

    def _keep(self, directory: Path, digest: str) -> None:
        place = self._place(digest)
        if place.exists():
            os.utime(place)
            return
        self._models.mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(prefix=".new-", dir=self._models))
        shutil.copytree(directory, beside, dirs_exist_ok=True)
        try:
            beside.rename(place)
        except OSError:  # another pod was first
            shutil.rmtree(beside)

    def _forget_the_oldest(self) -> None:
        copies = sorted(self._models.glob("sha256-*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in copies[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)


def _write_atomically(file: Path, text: str) -> None:
    beside = file.with_suffix(f".{os.getpid()}.new")
    beside.write_text(text)
    beside.replace(file)
