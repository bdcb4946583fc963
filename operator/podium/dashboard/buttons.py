"""The verbs as buttons: which there are, what each would do to an object now, and why one cannot be pressed. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from podium.api.v1alpha1.values.base import format_time
from podium.steering import plans
from podium.steering.change import AlreadySo, CannotSteer, Change, Plan, Target, checked, target
from podium.steering.model_versions import to_version

Json = Mapping[str, Any]
_LONGEST: Final = 253  # characters of a field


@dataclass(frozen=True)
class Verb:
    """One verb. `field` is what a person has to write for it, "" where that is nothing.

    `timeless`: what it does is the same whenever it is pressed, unless the object has changed.
    """

    name: str
    label: str
    plan: Callable[[str], Plan]
    field: str = ""
    timeless: bool = True


@dataclass(frozen=True)
class Button:
    """A verb for one object. `why` says why it cannot be pressed; "" where it can. `does`: what is so afterwards."""

    verb: Verb
    why: str = ""
    does: str = ""


def _set_version(version: str) -> Plan:
    return lambda about: to_version(about, version)


def _retry(_: str) -> Plan:
    return partial(plans.retry, format_time(datetime.now(UTC)))


VERBS: Final[Mapping[str, Verb]] = {
    verb.name: verb
    for verb in (
        Verb("pause", "Pause", lambda _: plans.pause),
        Verb("resume", "Resume", lambda _: plans.resume),
        Verb("retry", "Retry", _retry, timeless=False),
        Verb("undo", "Undo", lambda _: partial(plans.undo, None)),
        Verb("approve", "Approve", lambda person: partial(plans.approve, person, None, None), "as"),
        Verb("set-version", "Set version", _set_version, "version"),
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
    """The verb as far as it can be carried out now; None where the object is so already."""
    if verb.field:  # only with what a person writes it is known
        asks = any(gate.approval is not None for gate in about.spec.gates)
        return Button(verb) if verb.name != "approve" or asks else None
    try:
        change = checked(verb.plan(""), about)
    except AlreadySo:
        return None
    except CannotSteer as error:
        return Button(verb, str(error))
    return Button(verb, does=change.done if verb.timeless else "")


def planned(verb: Verb, form: Mapping[str, str]) -> Plan:
    """What was asked for. Raises CannotSteer where its field is empty or too long."""
    said = form.get(verb.field, "").strip() if verb.field else ""
    if verb.field and not 0 < len(said) <= _LONGEST:
        expected = f"expected {verb.field} of 1 to {_LONGEST} characters, found {len(said)}"
        raise CannotSteer(f"nothing was changed: {expected}")
    plan, seen = verb.plan(said), form.get("does", "")
    return partial(_as_seen, plan, seen) if seen else plan


def _as_seen(plan: Plan, seen: str, about: Target) -> Change:
    """What the viewer saw, and nothing else: Undo means another version once the trial is over."""
    change = plan(about)
    if change.done != seen:
        raise CannotSteer(
            f"{about.name} was not changed: expected that afterwards {seen}, found that {change.done}; do: look again"
        )
    return change
