"""The one ModelDeployment that a verb is about, out of a file that may hold many objects."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from podium.api.v1alpha1.manifest import KIND
from podium.cli.documents import Unreadable, read_documents


class InputError(click.ClickException):
    """There is no such ModelDeployment, or it cannot be read."""

    exit_code = 1


def text_of(source: str) -> str:
    """The text of a file, or of standard input for `-`. Raises InputError where it cannot be read."""
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"could not read {source}: {error}") from error


def the_one(source: str, text: str, name: str | None = None) -> Mapping[str, Any]:
    """The ModelDeployment of this name in a file's text, or the only one. Raises InputError where there is none."""
    try:
        found = [value for value in _model_deployments(text) if name in {None, _name(value)}]
    except Unreadable as error:
        raise InputError(f"{source}:{error.line}: not valid YAML for kubectl: {error}") from error
    if len(found) == 1:
        return found[0]
    wanted = f"the {KIND} {name}" if name else f"one {KIND}"
    names = ", ".join(map(_name, found)) or "none"
    raise InputError(f"{source}: expected {wanted}, found {names}" + ("; do: choose one by its name" if found else ""))


def _model_deployments(text: str) -> Iterator[Mapping[str, Any]]:
    for document in read_documents(text):
        if isinstance(document.value, dict) and document.value.get("kind") == KIND:
            yield document.value


def _name(value: Mapping[str, Any]) -> str:
    metadata = value.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, dict) else ""
