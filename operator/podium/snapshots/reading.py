"""Snapshots as MLflow has them: one, all of an experiment, a chain of parents, and what differs between two."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from podium.core.evaluations import Evaluation
from podium.errors import NotFound, Rejected
from podium.planning.differences import Difference
from podium.snapshots.content import CONFIGURATION_FILE, PARENT_DIFF, configuration_differences, state_digest
from podium.snapshots.snapshot import (
    CONFIGURATION_SHA256,
    DIGEST,
    DOMAIN,
    ITERATION,
    KIND,
    MODEL_STATE,
    PARENT,
    PREFIX,
    PROMPT,
    Snapshot,
    model_id_of,
)
from podium.snapshots.tracking import client, doing

_FIND: Final = "Find its id with `podium snapshots list`"
_LONGEST_CHAIN: Final = 1_000
_PAGE: Final = 100


def show(model_id: str) -> Snapshot:
    """The snapshot of this id. Raises Rejected where the LoggedModel is no snapshot, NotFound and Unavailable."""
    model_id = model_id_of(model_id, "the model id")
    asked = client()
    with doing(f"read {model_id}", _FIND):
        model = asked.get_logged_model(model_id)
        found = _snapshot(model, _evaluations(asked, model))
    if found is None:
        raise Rejected(f"{model_id} is no snapshot: it has no params {PREFIX}…. {_FIND}")
    if not found.run_id:
        raise Rejected(f"{model_id} has no source run, and so no files. Make it with podium.snapshots.create")
    return found


def find(experiment: str, *, kind: str | None = None, domain: str | None = None, most: int = 100) -> Sequence[Snapshot]:
    """The snapshots of an experiment, the newest first, at most so many. Raises NotFound where there is no such one."""
    asked = client()
    with doing(f"list the snapshots of experiment {experiment}"):
        place = asked.get_experiment_by_name(experiment)
        if place is None:
            raise NotFound(f"experiment {experiment} not found. Fix its name, or the tracking URI")
        wanted = {KIND: kind, DOMAIN: domain}
        words = [f"params.`{key}` = '{_quoted(value)}'" for key, value in wanted.items() if value is not None]
        found: list[Snapshot] = []
        token: str | None = None
        while len(found) < most:
            page = asked.search_logged_models(
                [place.experiment_id],
                filter_string=" AND ".join(words) or None,
                max_results=_PAGE,
                order_by=[{"field_name": "creation_time", "ascending": False}],
                page_token=token,
            )
            made = (_snapshot(model, _evaluations(asked, model)) for model in page)
            found += [each for each in made if each is not None]
            token = page.token
            if not token:
                break
    return found[:most]


def lineage(model_id: str) -> Sequence[Snapshot]:
    """The snapshot, its parent, its parent's parent …, the first one last.

    The chain ends at a parent that was deleted: the `parent` of the last one names it. Raises as `show` does.
    """
    chain = [show(model_id)]
    while (parent := chain[-1].parent) is not None:
        if parent in {each.model_id for each in chain} or len(chain) == _LONGEST_CHAIN:
            raise Rejected(f"the parents of {model_id} have no end: {parent} is there twice, or they are too many")
        try:
            chain.append(show(parent))
        except NotFound:
            break
    return chain


def configuration(model_id: str) -> Mapping[str, Any]:
    """The configuration of a snapshot. Raises Rejected where its files are not those that were written."""
    found = show(model_id)
    files = state_files(found)
    if problem := _problem(found, files):
        raise Rejected(problem)
    value = json.loads(files[f"{MODEL_STATE}/{CONFIGURATION_FILE}"])
    assert isinstance(value, dict)
    return value


def diff(model_id: str, other: str | None = None) -> Sequence[Difference]:
    """The fields that differ from `other` to the snapshot, or from its parent. Raises Rejected where it has none."""
    if other is None:
        return configuration_differences(_of_parent(show(model_id)), configuration(model_id))
    return configuration_differences(configuration(other), configuration(model_id))


def _of_parent(found: Snapshot) -> Mapping[str, Any]:
    """The configuration of its parent."""
    if found.parent is None:
        raise Rejected(f"{found.model_id} has no parent. Name the snapshot to compare it with")
    try:
        return configuration(found.parent)
    except NotFound as error:
        kept = f"{MODEL_STATE}/{PARENT_DIFF} of run {found.run_id} has what differed"
        raise NotFound(
            f"{found.parent}, the parent of {found.model_id}, is not there: {kept}. Name another snapshot to compare "
            f"it with ({error})"
        ) from error


def missing(found: Snapshot) -> str:
    """What is wrong with the files of a snapshot, or an empty text: they are all there, byte for byte."""
    try:
        return _problem(found, state_files(found))
    except NotFound as error:
        return str(error)


def state_files(found: Snapshot) -> Mapping[str, bytes]:
    """The files in model_state/ of its source run: path -> bytes. Raises NotFound where there are none."""
    advice = "Its files are gone: create the snapshot again"
    asked = client()
    with (
        doing(f"read the files of {found.model_id} from run {found.run_id}", advice),
        TemporaryDirectory(prefix="podium-snapshot-") as folder,
    ):
        if not asked.list_artifacts(found.run_id, MODEL_STATE):
            raise NotFound(f"run {found.run_id} of {found.model_id} has no artifacts in {MODEL_STATE}/. {advice}")
        place = Path(asked.download_artifacts(found.run_id, MODEL_STATE, folder))
        files = [path for path in place.rglob("*") if path.is_file()]
        return {f"{MODEL_STATE}/{path.relative_to(place).as_posix()}": path.read_bytes() for path in files}


def _problem(found: Snapshot, files: Mapping[str, bytes]) -> str:
    digest = state_digest(files)
    if digest == found.digest:
        return ""
    return (
        f"the files of {found.model_id} in run {found.run_id} have the digest {digest}; expected: {found.digest}. They "
        "were changed, or some are gone: create the snapshot again"
    )


def _snapshot(model: Any, evaluations: tuple[Evaluation, ...]) -> Snapshot | None:
    """None where the LoggedModel is no snapshot of Podium's."""
    from podium.adapters.registries.mlflow.times import moment  # noqa: PLC0415  imports MLflow

    params = dict(model.params or {})
    if not {KIND, DOMAIN, ITERATION, DIGEST, CONFIGURATION_SHA256} <= params.keys() or not params[ITERATION].isdigit():
        return None
    return Snapshot(
        model_id=model.model_id,
        name=model.name,
        kind=params[KIND],
        domain=params[DOMAIN],
        iteration=int(params[ITERATION]),
        parent=params.get(PARENT),
        run_id=model.source_run_id or "",
        experiment_id=model.experiment_id,
        configuration_sha256=params[CONFIGURATION_SHA256],
        digest=params[DIGEST],
        created=moment(model.creation_timestamp),
        params={key: value for key, value in params.items() if not key.startswith(PREFIX)},
        tags=dict(model.tags or {}),
        prompts={key.removeprefix(PROMPT): uri for key, uri in params.items() if key.startswith(PROMPT)},
        evaluations=evaluations,
    )


def _evaluations(asked: Any, model: Any) -> tuple[Evaluation, ...]:
    """What was measured of it, with the values that the runs say: a LoggedModel says 0 for NaN."""
    from podium.adapters.registries.mlflow.evaluations import evaluations  # noqa: PLC0415  imports MLflow
    from podium.adapters.registries.mlflow.values import true_values  # noqa: PLC0415  imports MLflow

    if not model.metrics:
        return ()
    measured = true_values(model.metrics, lambda run: dict(asked.get_run(run).data.metrics), asked.get_metric_history)
    return evaluations(measured, model.source_run_id or "")


def _quoted(value: str) -> str:
    if "'" in value:
        raise Rejected(f"{value!r} holds a quote, and no kind or domain does")
    return value
