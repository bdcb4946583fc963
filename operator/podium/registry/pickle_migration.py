"""A pickle, or a file of joblib, as a version: shown first, loaded only where a person says so, in another process."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from podium.core.printable import plain
from podium.errors import NotFound, Rejected
from podium.registry.changes import Change, Left, Plan, Report
from podium.registry.pickle_loading import REFUSED
from podium.registry.pickles import Scan, scan
from podium.registry.publishing import publish
from podium.registry.registry import Registry

FROM: Final = "podium.dev/migrated-from"  # the tag: the digest of the file
_WITHIN: Final = 600.0  # seconds to load and write one model
_SHOWN: Final = 500  # characters of what the process says


@dataclass(frozen=True)
class Pickled:
    """One file, and what it becomes."""

    file: Path
    model: str  # registered model
    example: Path | None = None  # rows as CSV, or as a list of objects in JSON: the signature is made of them
    allow: tuple[str, ...] = ()  # names beside the table's
    params: Mapping[str, str] | None = None
    metrics: Mapping[str, float] | None = None


def migrate_pickle(registry: Registry, pickled: Pickled, *, load: bool, write: bool) -> tuple[Scan, Report]:
    """What the file would import; and what becomes of it. Raises Rejected where it cannot be read."""
    plan = Plan(looked_at=1)
    found = plan_pickle(registry, pickled, plan, load=load, write=write)
    return found, plan.report(written=write and load)


def plan_pickle(registry: Registry, pickled: Pickled, plan: Plan, *, load: bool, write: bool) -> Scan:
    """The same, into a plan that may be about other files, too."""
    digest = digest_of_file(pickled.file)
    found, name = scan(pickled.file, pickled.allow), str(pickled.file)
    known = migrated(registry, pickled.model, digest)
    if known:
        return found
    if found.refused:
        plan.left.append(
            Left(name, f"it was not loaded: it would run {'; '.join(found.refused)}, which no table allows")
        )
    elif not load:
        plan.left.append(
            Left(name, f"it must be loaded to be logged: look at its {len(found.imports)} imports, then --load")
        )
    else:
        version = _loaded(registry, pickled, digest, plan, write=write)
        if version is not None:
            why = "with a signature" if pickled.example else "without a signature: no --example"
            plan.changes.append(Change("version", pickled.model, version, name, digest, why))
    return found


def migrated(registry: Registry, model: str, digest: str) -> str:
    """The version that was made of the file before; "" where there is none."""
    try:
        versions = registry.versions(model, most=10_000, metrics=False)
    except NotFound:
        return ""
    return next((each.number for each in versions if each.tags.get(FROM) == digest), "")


def digest_of_file(file: Path) -> str:
    """The sha256 of a file. Raises Rejected where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return f"sha256:{file_digest(opened, 'sha256').hexdigest()}"
    except OSError as error:
        raise Rejected(f"could not read {file}: {error.strerror}") from error


def _loaded(registry: Registry, pickled: Pickled, digest: str, plan: Plan, *, write: bool) -> str | None:
    """Load it in another process, and publish what that wrote. None where it is left."""
    with TemporaryDirectory(prefix="podium-migrate-") as scratch:
        folder = Path(scratch) / "model"
        order = {
            "file": str(pickled.file.resolve()),
            "example": str(pickled.example.resolve()) if pickled.example else "",
            "out": str(folder) if write else "",
            "allow": list(pickled.allow),
        }
        problem = _problem(order)
        if problem:
            plan.left.append(Left(str(pickled.file), problem))
            return None
        tags = {FROM: digest}
        extra: dict[str, Any] = {"params": pickled.params, "metrics": pickled.metrics}
        return publish(registry, pickled.model, folder, tags=tags, **extra) if write else ""


def _problem(order: Mapping[str, Any], command: Sequence[str] = ("-m", "podium.registry.pickle_loading")) -> str:
    """Why it could not be loaded; "" where it was."""
    # -P: with -m, Python would import from the current folder first, and so run a numpy.py that came with the pickle.
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter and module
            [sys.executable, "-P", "-W", "ignore", *command],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            check=False,
            timeout=_WITHIN,
        )
    except subprocess.TimeoutExpired:
        return f"it was not loaded within {_WITHIN:g} s"
    if done.returncode == 0:
        return ""
    said = plain((done.stderr.strip().splitlines() or ["no word"])[-1])[:_SHOWN]
    return f"its loading was stopped: {said}" if done.returncode == REFUSED else f"it could not be loaded: {said}"
