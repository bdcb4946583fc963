"""The verbs as buttons: which there are, what each would do to an object now, and why one cannot be pressed. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from podium.api.v1alpha1.values.base import format_time
from podium.steering import plans, verdicts
from podium.steering.change import AlreadySo, CannotSteer, Change, Plan, Target, checked, target
from podium.steering.model_versions import to_version

Json = Mapping[str, Any]
_LONGEST: Final = 253  # characters of a field


@dataclass(frozen=True)
class Verb:
    """One verb. `field` is what a person writes for it, "" where that is nothing; a `verdict` is signed by who presses.

    `does` says beforehand what would be so afterwards; None where the change says that itself, without a field.
    """

    name: str
    label: str
    plan: Callable[[str], Plan]
    field: str = ""
    does: Callable[[Target], str] | None = None
    verdict: bool = False  # its field, the reason, may stay empty


@dataclass(frozen=True)
class Button:
    """A verb for one object. `why` says why it cannot be pressed; "" where it can. `does`: what is so afterwards."""

    verb: Verb
    why: str = ""
    does: str = ""
    uid: str = ""  # of the object: one that was made again meanwhile is another


def _set_version(version: str) -> Plan:
    return lambda about: to_version(about, version)


def _no_more(about: Target) -> str:
    model = about.spec.model
    return f"{about.name} names no more {f'version {model.version}' if model.version else f'alias {model.alias}'}"


def _retry(_: str) -> Plan:
    return partial(plans.retry, format_time(datetime.now(UTC)))


def _approve(person: str) -> Plan:
    return lambda about: plans.approve(person, plans.awaited(about), None, about)


def _approved(about: Target) -> str:
    return f"version {plans.awaited(about)} of {about.name} is approved"


def _promote(reason: str) -> Plan:
    return partial(verdicts.promote, None, reason or None, full=False)


def _promote_fully(reason: str) -> Plan:
    return partial(verdicts.promote, None, reason or None, full=True)


def _abort(reason: str) -> Plan:
    return partial(verdicts.abort, None, None, reason or None)


def _roll_back(reason: str) -> Plan:
    return partial(verdicts.rollback, None, reason or None, now=True)


VERBS: Final[Mapping[str, Verb]] = {
    verb.name: verb
    for verb in (
        Verb("pause", "Pause", lambda _: plans.pause),
        Verb("resume", "Resume", lambda _: plans.resume),
        Verb("promote", "Promote", _promote, "reason", verdict=True),
        Verb("promote-full", "Promote fully", _promote_fully, "reason", verdict=True),
        Verb("abort", "Abort", _abort, "reason", verdict=True),
        Verb("rollback-now", "Roll back now", _roll_back, "reason", verdict=True),
        Verb("retry", "Retry", _retry),
        Verb("undo", "Undo", lambda _: partial(plans.undo, None)),
        Verb("approve", "Approve", _approve, "as", _approved),
        Verb("set-version", "Set version", _set_version, "version", _no_more),
    )
}


def buttons(value: Json, right: str) -> Sequence[Button]:
    """The verbs that mean something for this object now. `right` says which right the viewer lacks; "" for none.

    Raises CannotSteer where this version cannot read the object.
    """
    about = target(value, str((value.get("metadata") or {}).get("name", "")))
    found = [_button(verb, about) for verb in VERBS.values()]
    return [replace(one, why=right or one.why) for one in found if one is not None]


def _button(verb: Verb, about: Target) -> Button | None:
    """The verb as far as it can be carried out now; None where the object is so already, or nothing asks for it."""
    if verb.name == "approve" and not any(gate.approval is not None for gate in about.spec.gates):
        return None
    try:
        does = verb.does(about) if verb.does is not None else _done(checked(verb.plan(""), about))
    except AlreadySo:
        return None
    except CannotSteer as error:
        return Button(verb, str(error))
    return Button(verb, does=does, uid=about.uid)


def _done(change: Change) -> str:
    return f"{change.done}: {change.aim}" if change.aim else change.done


def planned(verb: Verb, form: Mapping[str, str]) -> Plan:
    """What was asked for. Raises CannotSteer where its field is empty or too long."""
    said = form.get(verb.field, "").strip() if verb.field else ""
    least = 0 if verb.verdict or not verb.field else 1
    if not least <= len(said) <= _LONGEST:
        expected = f"expected {verb.field} of {least} to {_LONGEST} characters, found {len(said)}"
        raise CannotSteer(f"nothing was changed: {expected}")
    return partial(_as_seen, verb, verb.plan(said), form.get("does", ""), form.get("uid", ""))


def _as_seen(verb: Verb, plan: Plan, seen: str, uid: str, about: Target) -> Change:
    """What the viewer saw, and nothing else: Undo means another version once the trial is over."""
    if about.uid != uid:
        raise CannotSteer(f"{about.name} was not changed: it was deleted and made again meanwhile; do: look again")
    change = plan(about)
    does = verb.does(about) if verb.does is not None else _done(change)
    if does != seen:
        expected = f"expected that afterwards {seen}" if seen else "expected a form that says what it does"
        raise CannotSteer(f"{about.name} was not changed: {expected}, found that {does}; do: look again")
    return change
