"""The spec that a trial keeps, for a rollback while the present one cannot be read.

That is so after a CRD of a newer release, or a downgrade of the operator. What takes a version out of the traffic is
read from the present spec all the same, each by itself: which version it names, and which one it aborts. Nothing else
of it is read.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Status, Trial

_WORD: Final = ("version", "model", "template")
_SIGNED: Final = (*_WORD, "by", "reason")


def recorded(spec: Spec) -> Mapping[str, Any]:
    """The spec as a trial keeps it."""
    return spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def tried_on(status: Status) -> Trial | None:
    """The trial that keeps the spec: of the version on trial, or of the arms of an experiment, which have the same."""
    return next((arm.trial for arm in status.arms if arm.trial is not None), status.trial)


def trial_spec(trial: Trial | None, written: Mapping[str, Any] | None = None) -> Spec | None:
    """The last spec of the trial that could be read, paused: a rollback follows it, and nothing progresses by it.

    `written` is the present one, as it is written: a revert and an abort in it count.
    """
    if trial is None or not trial.spec:
        return None
    last = {**trial.spec, "paused": True}
    last = _first_readable(_with_version(last, written or {}), last)
    said = _mapping(_mapping((written or {}).get("rollout")).get("abort"))
    if said:
        last = _first_readable(_with_abort(last, said, _SIGNED), _with_abort(last, said, _WORD), last)
    return _readable(last)


def _with_version(last: dict[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    model = _mapping(written.get("model"))
    if "version" not in model:
        return last
    named = {name: model[name] for name in ("name", "version") if name in model}
    kept = {name: part for name, part in _mapping(last.get("model")).items() if name != "alias"}
    return {**last, "model": {**kept, **named}}


def _with_abort(last: dict[str, Any], said: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    known = {name: said[name] for name in fields if name in said}
    return {**last, "rollout": {**_mapping(last.get("rollout")), "abort": known}}


def _first_readable(*specs: dict[str, Any]) -> dict[str, Any]:
    """The first of them that can be read, or the last one."""
    return next((spec for spec in specs[:-1] if _readable(spec) is not None), specs[-1])


def _readable(spec: Mapping[str, Any]) -> Spec | None:
    try:
        return Spec.model_validate(spec)
    except ValidationError:
        return None  # it was recorded by a newer operator, whose spec this one cannot read either


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
