"""Folder registries: `churn/7/model.joblib` with params.json and metrics.json beside it, environments as folders.

A version is a folder that holds an MLmodel, or a file named model.joblib, model.pkl or model.pickle. Of its path below
the root, the names of environments (production, staging …) say which alias it gets, the first other part is the
registered model, and the rest orders its versions, numbers by their value. The same files in several folders are one
version: a copy below `production/` says which one is in production.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from podium.core.version_lifecycle import TAG, Stage
from podium.errors import NotFound, Rejected
from podium.registry.changes import Change, Left, Plan, Report
from podium.registry.files import folder_digest
from podium.registry.pickle_migration import FROM, Pickled, digest_of_file, plan_pickle
from podium.registry.publishing import publish
from podium.registry.registry import Registry
from podium.registry.stages import STAGING, carry_out
from podium.registry.versions import Version

ENVIRONMENTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("production", "prod", "live", "champion"), "production"),
    **dict.fromkeys(("staging", "stage", "uat", "preprod"), "staging"),
    **dict.fromkeys(("development", "dev", "test", "qa"), ""),  # no alias
    **dict.fromkeys(("archive", "archived"), "archived"),
}
_ENVIRONMENTS_RISE: Final = ("archived", "", "staging", "production")
PICKLES: Final = ("model.joblib", "model.pkl", "model.pickle")
_RECORDS: Final = ("params.json", "metrics.json")
_ALL: Final = 10_000


@dataclass(frozen=True)
class Folder:
    """One version as a folder keeps it."""

    path: Path
    model: str
    order: tuple[tuple[int, str], ...]  # of its name among the model's versions
    environment: str  # production, staging, archived, or ""
    file: Path | None  # the pickle; None where the folder is an MLflow model
    digest: str  # of the pickle, or of the folder


def migrate_tree(registry: Registry, root: Path, model: str = "", *, load: bool, write: bool) -> Report:
    """Plan it for all folders below the root, and carry it out where asked. `model` is the one that all are of.

    Pickles are loaded only with `load`. Raises Rejected where the root cannot be read, and what the registry raises.
    """
    plan = Plan()
    found = sorted(_folders(root, model, plan), key=_place)
    plan.looked_at = len(found)
    known = _known(registry, dict.fromkeys(each.model for each in found), plan)
    found = [each for each in found if each.model in known]
    for each in found:
        if each.digest not in known[each.model]:
            version = _register(registry, each, plan, load=load, write=write)
            if version is not None:
                known[each.model][each.digest] = version
    for name, versions in known.items():
        of_model = [each for each in found if each.model == name and each.digest in versions]
        _environments(registry, name, of_model, versions, plan, write=write)
    return plan.report(written=write)


def _folders(root: Path, model: str, plan: Plan) -> Iterator[Folder]:
    if not root.is_dir():
        raise Rejected(f"expected a folder, found none at {root}")
    for path in sorted(each for each in [root, *root.rglob("*")] if each.is_dir() and not each.is_symlink()):
        if any((above / "MLmodel").exists() for above in path.parents if above.is_relative_to(root)):
            continue  # a part of a model
        files = [path / name for name in PICKLES if (path / name).is_file()]
        if (path / "MLmodel").is_file() or len(files) == 1:
            yield from _folder(root, path, files, model, plan)
        elif files:
            plan.left.append(Left(str(path), f"it has {len(files)} models: {', '.join(each.name for each in files)}"))
        elif any((path / name).is_file() for name in _RECORDS):
            plan.left.append(Left(str(path), f"it has no model: expected MLmodel or {', '.join(PICKLES)}"))


def _folder(root: Path, path: Path, files: Sequence[Path], model: str, plan: Plan) -> Iterator[Folder]:
    parts = path.relative_to(root).parts
    named = [part for part in parts if part.lower() not in ENVIRONMENTS]
    environment = next((ENVIRONMENTS[part.lower()] for part in parts if part.lower() in ENVIRONMENTS), "")
    name, order = (model, named) if model else (named[0] if named else "", named[1:])
    if not name:
        plan.left.append(Left(str(path), "no folder names its model; do: name it with --model"))
        return
    if any("\udc80" <= letter <= "\udcff" for letter in str(path)):  # how Python shows a byte that is no UTF-8
        plan.left.append(Left(str(path), "its name is no UTF-8"))
        return
    outside = next((link for link in _links(path) if not _real(link).is_relative_to(_real(root))), None)
    if outside is not None:
        plan.left.append(
            Left(str(path), f"{outside.relative_to(path)} is a link that leads out of {root}: copy the file")
        )
        return
    file = None if (path / "MLmodel").is_file() else files[0]
    digest = digest_of_file(file) if file is not None else folder_digest(path) or ""
    yield Folder(path, name, tuple(map(_rank, order)), environment, file, digest)


def _links(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_symlink())


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # which links in a circle do not stop


def _place(folder: Folder) -> tuple[object, ...]:
    """By model and name; folders of environments alone come last, production the very last."""
    return folder.model, not folder.order, folder.order, _ENVIRONMENTS_RISE.index(folder.environment)


def _rank(part: str) -> tuple[int, str]:
    """Numbers by their value: v9 before v10."""
    number = re.search(r"\d+", part)
    return (int(number[0]) if number else -1, part)


def _known(registry: Registry, models: Iterable[str], plan: Plan) -> dict[str, dict[str, str]]:
    """The versions of each model that were made before; a name that no model may have is left."""
    known = {}
    for model in models:
        try:
            known[model] = _migrated(registry, model)
        except Rejected as error:
            plan.left.append(Left(model, str(error)))
    return known


def _migrated(registry: Registry, model: str) -> dict[str, str]:
    """The versions that were made of folders before, by digest."""
    try:
        versions = registry.versions(model, most=_ALL, metrics=False)
    except NotFound:
        return {}
    return {each.tags[FROM]: each.number for each in versions if FROM in each.tags}


def _register(registry: Registry, folder: Folder, plan: Plan, *, load: bool, write: bool) -> str | None:
    """The new version, "" where it would be one; None where the folder is left."""
    try:
        params = {key: str(value)[:6000] for key, value in _record(folder.path / "params.json").items()}
        metrics = {key: float(value) for key, value in _record(folder.path / "metrics.json").items()}
    except (ValueError, TypeError, OSError) as error:
        plan.left.append(Left(str(folder.path), f"its params.json or metrics.json cannot be read: {error}"))
        return None
    if folder.file is not None:
        pickled = Pickled(folder.file, folder.model, params=params, metrics=metrics)
        before = len(plan.changes)
        plan_pickle(registry, pickled, plan, load=load, write=write)
        return plan.changes[-1].version if len(plan.changes) > before else None
    version = ""
    if write:
        tags = {FROM: folder.digest}
        version = publish(registry, folder.model, folder.path, tags=tags, params=params, metrics=metrics)
    plan.changes.append(Change("version", folder.model, version, str(folder.path), folder.digest))
    return version


def _record(file: Path) -> dict[str, Any]:
    """A flat JSON object; nothing where there is no file."""
    if not file.is_file():
        return {}
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise TypeError(f"expected an object in {file.name}, found {type(found).__name__}")
    return found


def _environments(
    registry: Registry, model: str, folders: Sequence[Folder], versions: Mapping[str, str], plan: Plan, *, write: bool
) -> None:
    """The aliases and the lifecycle that the folders of environments say; the last one of an environment has it."""
    there = _by_number(registry, model)
    taken = {alias for each in there.values() for alias in each.aliases}
    changes: list[Change] = []
    for environment, alias in (("production", registry.champion), ("staging", STAGING)):
        last = next((each for each in reversed(folders) if each.environment == environment), None)
        if last is None or alias in (there[versions[last.digest]].aliases if versions[last.digest] in there else ()):
            continue
        if alias in taken:
            plan.left.append(Left(f"{model}: {last.path}", f"alias {alias} points to another version already"))
        else:
            changes.append(Change("alias", model, versions[last.digest], alias, why=f"the last in {environment}"))
    for each in folders:
        stage = {"staging": Stage.STAGING, "archived": Stage.ARCHIVED}.get(each.environment)
        version = there.get(versions[each.digest])
        if stage is not None and (version is None or TAG not in version.tags):
            changes.append(Change("tag", model, versions[each.digest], TAG, stage, f"was in {each.environment}"))
    plan.changes.extend(dict.fromkeys(changes))
    if write:
        for change in dict.fromkeys(changes):
            carry_out(registry, change)


def _by_number(registry: Registry, model: str) -> dict[str, Version]:
    try:
        return {each.number: each for each in registry.versions(model, most=_ALL, metrics=False)}
    except NotFound:
        return {}
