"""The one ModelDeployment that a verb is about, out of a file that may hold many objects."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from podium.api.v1alpha1.manifest import KIND
from podium.cli.documents import Unreadable, read_documents
from podium.core.printable import plain


class InputError(click.ClickException):
    """There is no such ModelDeployment, or it cannot be read."""

    exit_code = 1

    def format_message(self) -> str:
        """The message, line by line, without what a terminal would obey: the API server repeats what others wrote."""
        return "\n".join(map(plain, self.message.split("\n")))


def text_of(source: str) -> str:
    """The text of a file, or of standard input for `-`. Raises InputError where it cannot be read."""
    with reading(source, InputError):
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")


@contextmanager
def reading(source: str, failure: type[click.ClickException]) -> Iterator[None]:
    """Says of a file why it cannot be read, as the given exception."""
    try:
        yield
    except UnicodeDecodeError as error:
        wrong = error.object[error.start]
        message = f"expected UTF-8, found byte {wrong:#04x} at offset {error.start}; do: save it as UTF-8"
        raise failure(f"could not read {source}: {message}") from error
    except OSError as error:
        raise failure(f"could not read {source}: {error.strerror or error}") from error


def the_one(source: str, text: str, name: str | None = None) -> Mapping[str, Any]:
    """The ModelDeployment of this name in a file's text, or the only one. Raises InputError where there is none."""
    try:
        there = list(_model_deployments(text))
    except Unreadable as error:
        raise InputError(f"{source}:{error.line}: not valid YAML for kubectl: {error}") from error
    found = [value for value in there if name in {None, _name(value)}]
    if len(found) == 1:
        return found[0]
    wanted = f"one {KIND} {name}" if name else f"one {KIND}"
    names = list(map(_name, there))
    advice = "; do: choose one by its name" if len(set(names)) > 1 or (name and names) else ""
    raise InputError(f"{source}: expected {wanted}, found {', '.join(names) or 'none'}{advice}")


def _model_deployments(text: str) -> Iterator[Mapping[str, Any]]:
    for document in read_documents(text):
        if isinstance(document.value, dict) and document.value.get("kind") == KIND:
            yield document.value


def _name(value: Mapping[str, Any]) -> str:
    metadata = value.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, dict) else ""
