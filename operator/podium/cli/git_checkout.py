"""A change of a ModelDeployment's file in a checkout, as one commit of that file alone."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from podium.api.v1alpha1.manifest import GROUP, KIND
from podium.api.v1alpha1.spec.spec import Spec
from podium.cli.documents import Unreadable, roots
from podium.cli.objects import InputError
from podium.cli.yaml_edit import NotCertain, edited
from podium.core.status.explanation import first_fault
from podium.steering.change import Change, Plan, Target, checked


class _Place(NamedTuple):
    file: Path
    number: int  # of the document in it, from 0
    spec: dict[str, Any]


def commit(checkout: Path, about: Target, plan: Plan) -> tuple[Change, str]:
    """Edit and commit; the change and where it is. Raises InputError, and leaves the file as it was."""
    place = _the_one(checkout, about)
    change = checked(plan, _of_file(about, place))
    before = place.file.read_bytes()
    _clean(place.file)
    try:
        after = edited(before.decode(), place.number, change.patch)
    except NotCertain as error:
        raise InputError(f"{place.file} was not changed, edit it by hand: {error}") from error
    place.file.write_bytes(after.encode())
    try:
        _git(place.file, "commit", "--quiet", "--only", "-m", change.subject, "--", place.file.name)
    except InputError:
        place.file.write_bytes(before)
        raise
    return change, f"commit {_git(place.file, 'rev-parse', '--short', 'HEAD').strip()} of {place.file}"


def _of_file(about: Target, place: _Place) -> Target:
    """The object with the spec that the file has: that is what is changed."""
    try:
        spec = Spec.model_validate(place.spec)
    except ValidationError as error:
        raise InputError(f"{place.file} was not changed: spec{first_fault(error)}") from error
    return replace(about, spec=spec, fields=place.spec)


def _the_one(checkout: Path, about: Target) -> _Place:
    found = [place for file in yaml_files(checkout) for place in _places(file, about)]
    if len(found) == 1:
        return found[0]
    there = ", ".join(str(place.file) for place in found) or "none"
    raise InputError(
        f"{checkout}: expected one {KIND} {about.name} in its YAML files, found {there}; do: name the file"
    )


def yaml_files(checkout: Path) -> list[Path]:
    """The YAML files of a checkout; a file is its own."""
    if not checkout.is_dir():
        return [checkout]
    there = (path for pattern in ("*.yaml", "*.yml") for path in checkout.rglob(pattern))
    return sorted(path for path in there if ".git" not in path.parts)


def _places(file: Path, about: Target) -> Iterator[_Place]:
    try:
        values = [value for _, value in roots(file.read_bytes().decode())]
    except (Unreadable, UnicodeDecodeError):
        return  # a chart's template, for example: it is not the file that is looked for
    for number, value in enumerate(values):
        if not isinstance(value, dict) or value.get("kind") != KIND or not isinstance(value.get("spec"), dict):
            continue
        found = value.get("metadata")
        metadata = found if isinstance(found, dict) else {}
        where = metadata.get("name"), metadata.get("namespace") or about.namespace
        if where == (about.name, about.namespace) and str(value.get("apiVersion")).startswith(f"{GROUP}/"):
            yield _Place(file, number, value["spec"])


def _clean(file: Path) -> None:
    """Refuses a file that is not in Git as it is on disk: the commit would hold more than the change."""
    _git(file, "ls-files", "--error-unmatch", "--", file.name)
    if _git(file, "status", "--porcelain", "--", file.name).strip():
        raise InputError(f"{file} was not changed: it has changes that are not committed; do: commit or undo them")


def _git(file: Path, *words: str) -> str:
    command = ["git", "-C", str(file.parent), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  no shell
    except OSError as error:
        raise InputError(f"could not run git: {error.strerror}") from error
    if done.returncode:
        raise InputError(f"git {words[0]} failed for {file}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
