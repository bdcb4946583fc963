"""`podium snapshots`: versions of a configuration, kept as LoggedModels of MLflow."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial, wraps
from typing import Any, Final, cast

import click

from podium import snapshots as kept
from podium.cli.diff import difference_line
from podium.cli.documents import Unreadable, read_documents
from podium.cli.objects import InputError, text_of
from podium.cli.options import as_json
from podium.cli.screen import Screen
from podium.cli.snapshot_text import list_text, show_text
from podium.cli.tables import to_json
from podium.errors import PodiumError
from podium.snapshots.tracking import mlflow

Command = Callable[..., Any]
_MLFLOW: Final = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # its own seven take four minutes until a dead server is called dead
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # `$(podium snapshots create …)` is to be the id alone
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class Trouble(InputError):
    """Whether there are differences is not known."""

    exit_code = 2


@click.group(short_help="Keep versions of a configuration in MLflow, and compare them.")
def snapshots() -> None:
    """Keep versions of a configuration (an agent's, a BI space's) as LoggedModels of MLflow, and compare them."""


def _at_registry(command: Command) -> Command:
    """Adds --tracking-uri, and lets MLflow say sooner that a server does not answer."""

    @click.option("--tracking-uri", help="Of the MLflow server.  [default: MLFLOW_TRACKING_URI]")
    @wraps(command)
    def at(*args: Any, tracking_uri: str | None, **rest: Any) -> Any:
        for name, value in _MLFLOW.items():
            os.environ.setdefault(name, value)
        if tracking_uri is not None:
            os.environ["MLFLOW_TRACKING_URI"] = tracking_uri
            with _told(InputError):
                mlflow().set_tracking_uri(tracking_uri)
        return command(*args, **rest)

    return at


def _pairs(_: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        key, is_there, rest = value.partition("=")
        if not is_there or not key:
            raise click.BadParameter(f"expected KEY=VALUE, found {value}", param=parameter)
        if key in found:
            raise click.BadParameter(f"{key} is given twice", param=parameter)
        found[key] = rest
    return found


def _pair(*names: str, text: str, metavar: str = "KEY=VALUE") -> Callable[[Command], Command]:
    return click.option(*names, multiple=True, callback=_pairs, metavar=metavar, help=text)


@snapshots.command(short_help="Keep a configuration as the next version.")
@click.argument("file")
@click.option("--experiment", required=True, help="Experiment of MLflow; it is made where it is not there yet.")
@click.option("--kind", required=True, help="What is configured, such as agent.")
@click.option("--domain", required=True, help="What it is about, such as sales.")
@click.option("--iteration", required=True, type=click.IntRange(min=0), help="Number of the version, in its chain.")
@click.option("--parent", help="Model id of the snapshot that this one was made from.")
@_pair("--metadata", metavar="PART=FILE", text="A part of the metadata: columns, tags, routines …")
@click.option("--patches", metavar="FILE", help="The changes that led here, as a list.")
@click.option("--summary", default="", help="What they change, in words.")
@_pair("--param", "params", text="A param of the LoggedModel.")
@_pair("--tag", "tags", text="A tag of the LoggedModel.")
@_pair("--prompt", "prompts", metavar="PURPOSE=URI", text="prompts:/name/version or prompts:/name@alias.")
@_at_registry
@as_json
def create(file: str, *, metadata: Mapping[str, str], patches: str | None, as_object: bool, **rest: Any) -> None:
    """Keep the configuration in FILE (JSON or YAML; - is standard input) as a LoggedModel, and print its model id.

    Evaluate it afterwards: mlflow.genai.evaluate(…, model_id=…).

    Exit code: 0 when it is kept, 1 when it is refused or MLflow does not answer, 2 for wrong arguments.
    """
    parts = {part: _read(source) for part, source in metadata.items()}
    changes = _read(patches) if patches is not None else []
    if not isinstance(changes, list):
        raise InputError(f"{patches}: expected a list of patches, found {type(changes).__name__}")
    with _told(InputError):
        made = kept.create(cast("Any", _read(file)), metadata=parts, patches=changes, **rest)
    Screen.present().show(to_json(made) if as_object else made.model_id)


@snapshots.command("list", short_help="Show the snapshots of an experiment.")
@click.option("--experiment", required=True, help="Experiment of MLflow.")
@click.option("--kind", help="Of this kind alone.")
@click.option("--domain", help="Of this domain alone.")
@click.option("--max-results", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@_at_registry
@as_json
def list_(*, experiment: str, kind: str | None, domain: str | None, max_results: int, as_object: bool) -> None:
    """Show the snapshots of an experiment, the newest first.

    Exit code: 0 when they are shown, 1 when they cannot be read, 2 for wrong arguments.
    """
    with _told(InputError):
        found = kept.find(experiment, kind=kind, domain=domain, most=max_results)
    Screen.present().show(
        to_json(found) if as_object else list_text(found, experiment, datetime.now(UTC), of=[kind, domain])
    )


@snapshots.command(short_help="Show a snapshot, its parents and its evaluations.")
@click.argument("model_id", metavar="MODEL_ID")
@_at_registry
@as_json
def show(model_id: str, *, as_object: bool) -> None:
    """Show a snapshot: its parents, prompts and evaluations, and whether its files are those that were written.

    Exit code: 0 when it is shown and whole, 1 when it is not whole or cannot be read, 2 for wrong arguments.
    """
    with _told(InputError):
        chain = kept.lineage(model_id)
        problem = kept.missing(chain[0])
    whole = {"snapshot": _plain(chain[0]), "parents": [each.model_id for each in chain[1:]], "problem": problem}
    Screen.present().show(to_json(whole) if as_object else show_text(chain, problem))
    raise SystemExit(1 if problem else 0)


@snapshots.command(short_help="Show which fields differ between two snapshots.")
@click.argument("model_id", metavar="MODEL_ID")
@click.argument("other", metavar="[OTHER_ID]", required=False)
@_at_registry
@as_json
def diff(model_id: str, other: str | None, *, as_object: bool) -> None:
    """Show which fields of the configuration changed from OTHER_ID to MODEL_ID; by default from its parent.

    Exit code: 0 when nothing differs, 1 when something does, 2 when they cannot be read, or for wrong arguments.
    """
    with _told(Trouble):
        found = kept.diff(model_id, other)
    text = "\n".join(map(difference_line, found)) or "no differences"
    Screen.present().show(to_json(found) if as_object else text)
    raise SystemExit(1 if found else 0)


def _read(source: str) -> Any:
    """The one value of a file."""
    text = text_of(source)
    try:
        return json.loads(text, object_pairs_hook=partial(_object, source))
    except RecursionError as error:
        raise InputError(f"{source}: nested too deeply to be read") from error
    except ValueError:
        return _of_yaml(source, text)


def _object(source: str, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. A key that is there twice would lose the first of its values."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{source}: the key {twice!r} is there twice in one object")
    return found


def _of_yaml(source: str, text: str) -> Any:
    try:
        values = [document.value for document in read_documents(text)]
    except Unreadable as error:
        raise InputError(f"{source}:{error.line}: neither JSON nor YAML: {error}") from error
    if len(values) > 1:
        raise InputError(f"{source}: expected one document, found {len(values)}")
    return values[0] if values else None


@contextmanager
def _told(failure: type[click.ClickException]) -> Iterator[None]:
    try:
        yield
    except PodiumError as error:
        notes: Sequence[str] = getattr(error, "__notes__", ())
        raise failure("\n".join([str(error), *notes])) from error


def _plain(found: object) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(to_json(found))
    return value


if __name__ == "__main__":
    snapshots()
