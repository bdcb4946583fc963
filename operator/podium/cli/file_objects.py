"""The ModelDeployments of files, each beside the one that the cluster has: for verbs that say what a file would do."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from podium.adapters.kubernetes import names
from podium.api.v1alpha1.manifest import KIND
from podium.cli.documents import Document, Unreadable, read_documents
from podium.cli.live import Connection
from podium.cli.objects import InputError, reading
from podium.cli.problems import problems
from podium.errors import NotFound
from podium.planning.differences import Applied, Difference, applied, differences

Json = Mapping[str, Any]


@dataclass(frozen=True)
class FileObject:
    """A ModelDeployment of a file, and what applying it would make of the one in the cluster."""

    source: str  # file:line
    namespace: str
    name: str
    there: Json | None  # None where the cluster has none of this name
    applied: Applied
    differences: Sequence[Difference]

    def __str__(self) -> str:
        return f"{KIND} {self.namespace}/{self.name}"


def of_files(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds FILE… and -f, and hands both over as `sources`."""

    @click.argument("files", metavar="[FILE]…", nargs=-1, type=click.Path(allow_dash=True))
    @click.option("-f", "--filename", "more", multiple=True, type=click.Path(allow_dash=True), help="The same as FILE.")
    @wraps(command)
    def given(*args: Any, files: tuple[str, ...], more: tuple[str, ...], **rest: Any) -> Any:
        sources = (*files, *more)
        if not sources:
            raise click.UsageError("expected a FILE, or - for standard input")
        return command(*args, sources=sources, **rest)

    return given


async def file_objects(connection: Connection, sources: Iterable[str], *, named: bool) -> Sequence[FileObject]:
    """All of them. Raises InputError with every problem of every one, and the errors of `podium.errors`.

    `named`: whether the caller named the namespace, so that a file may not name another one.
    """
    found, wrong = [], []
    for source in sources:
        documents = _documents(source)
        if not documents:
            wrong.append(f"{source}: expected at least one {KIND}, found none")
        for document in documents:
            place = f"{source}:{document.line(())}"
            faults = [
                f"{source}:{document.line(one.path)}: {one.field}: {one.message}" for one in problems(document.value)
            ]
            faults = faults or _unplaced(place, document.value, connection.namespace, named=named)
            wrong += faults
            if not faults:
                found.append(await _beside(place, document.value, connection))
    if wrong:
        raise InputError("\n".join(wrong))
    return found


def _documents(source: str) -> Sequence[Document]:
    with reading(source, InputError):
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    try:
        documents = list(read_documents(text))
    except Unreadable as error:
        raise InputError(f"{source}:{error.line}: not valid YAML for kubectl: {error}") from error
    return [each for each in documents if isinstance(each.value, dict) and each.value.get("kind") == KIND]


def _unplaced(place: str, value: Json, namespace: str, *, named: bool) -> list[str]:
    """Why it is not known which object of the cluster it is about."""
    metadata = value["metadata"]
    if not metadata.get("name"):
        return [f"{place}: metadata.name: expected a name, found generateName: it makes a new object each time"]
    said = metadata.get("namespace")
    if named and said not in {None, namespace}:
        return [f"{place}: metadata.namespace: expected {namespace} (--namespace), found {said}; do: leave one out"]
    return []


async def _beside(place: str, value: Json, connection: Connection) -> FileObject:
    metadata = value["metadata"]
    namespace, name = str(metadata.get("namespace") or connection.namespace), str(metadata["name"])
    try:
        there: Json | None = await connection.api.get(names.path(names.MODEL_DEPLOYMENTS, namespace, name))
    except NotFound:
        there = None
    after = applied(there, value)
    faults = problems(_bare(after.value)) if there is not None else []
    if faults:
        kept = f"; fields that stay: {', '.join(after.kept)}" if after.kept else ""
        raise InputError(f"{place}: with what the cluster has, {faults[0].field}: {faults[0].message}{kept}")
    return FileObject(place, namespace, name, there, after, differences(there, after.value))


def _bare(value: Json) -> Json:
    """The object as a file would say it: what the API server and the operator add is not the file's."""
    metadata = {"name": value["metadata"]["name"]}
    return {"apiVersion": value.get("apiVersion"), "kind": KIND, "metadata": metadata, "spec": value["spec"]}
