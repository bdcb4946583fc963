"""A change of a spec as a value: a merge patch, what it does, and what happens next. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Status
from podium.core.status.explanation import Unexplained, first_fault, parsed

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """The ModelDeployment that a verb is to change."""

    name: str
    namespace: str
    spec: Spec
    status: Status
    fields: Json  # the spec as it is written, without defaults
    user: str = ""  # for whom the API server takes the caller; "" where it does not say
    uid: str = ""  # of the object: another one of the same name has another
    deleting: bool = False  # nothing of its spec is followed any more


@dataclass(frozen=True)
class Change:
    """What a verb does to a spec."""

    patch: Json  # a JSON merge patch (RFC 7396) of the spec
    done: str  # what is so afterwards: `churn is paused`
    follows: str  # what happens next
    subject: str  # of a commit
    aim: str = ""  # what else it is about: the same `done` with another aim is another change


class AlreadySo(Exception):
    """The spec says it already. The message says what it says."""


class CannotSteer(Exception):
    """The object cannot be changed so. The message says why, and what to do."""


Plan = Callable[[Target], Change]


def target(value: Json, name: str, user: str = "") -> Target:
    """The object, read. Raises CannotSteer where this version cannot read it."""
    metadata = value.get("metadata") or {}
    try:
        spec, status = parsed(value)
    except Unexplained as error:
        raise CannotSteer(f"this version of podium cannot read {name}: {error}") from error
    return Target(
        name,
        str(metadata.get("namespace") or ""),
        spec,
        status,
        value["spec"],
        user,
        uid=str(metadata.get("uid") or ""),
        deleting=bool(metadata.get("deletionTimestamp")),
    )


def checked(plan: Plan, about: Target) -> Change:
    """The change, of which the API server would take the result. Raises CannotSteer with the field otherwise."""
    if about.deleting:
        raise CannotSteer(
            f"{about.name} was not changed: it is being deleted (metadata.deletionTimestamp), and nothing of its spec "
            "is followed any more; do: wait until it is gone, and apply it again"
        )
    change = plan(about)
    try:
        Spec.model_validate(merged(about.fields, change.patch))
    except ValidationError as error:
        raise CannotSteer(f"{about.name} was not changed: spec{first_fault(error)}") from error
    return change


def merged(value: Any, patch: Any) -> Any:
    """The value after a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(value) if isinstance(value, Mapping) else {}
    for key, part in patch.items():
        if part is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), part)
    return result


def replaced(there: Json, said: Json) -> dict[str, Any]:
    """The merge patch that puts one value in place of another: what is not said any more is removed."""
    given = {name: value for name, value in said.items() if value is not None and value != ""}
    return dict.fromkeys(sorted(there.keys() - given.keys())) | given


def refuse_commands(about: Target, **texts: str | None) -> None:
    """Refuses text that a terminal or a browser would obey: control and direction characters."""
    for name, text in texts.items():
        found = next((letter for letter in text or "" if not letter.isprintable()), None)
        if found is not None:
            raise CannotSteer(
                f"{about.name} was not changed: expected a {name} without control and direction characters, found "
                f"U+{ord(found):04X}; do: leave it out"
            )


def held(about: Target) -> str:
    """What is added to what happens next, where it does not happen yet; "" where nothing holds it."""
    return (
        f"; {about.name} is paused: none of that begins before `podium resume {about.name}`"
        if about.spec.paused
        else ""
    )
