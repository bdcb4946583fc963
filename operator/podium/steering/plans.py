"""The changes of a spec that steer a rollout. Pure: a plan takes what there is, and says what to change."""

from typing import Any, Final

from podium.api.v1alpha1.status import Phase
from podium.steering.change import AlreadySo, CannotSteer, Change, Target, held, refuse_commands
from podium.steering.model_versions import left_over, to_version

_WAITS: Final = frozenset({Phase.REJECTED, Phase.ABORTED, Phase.BLOCKED, Phase.GATING})


def pause(about: Target) -> Change:
    """Stop all progress; a rollback is never stopped. Raises AlreadySo where it is paused."""
    if about.fields.get("paused") is True:
        raise AlreadySo(f"{about.name} is paused")
    follows = f"no step and no promotion until `podium resume {about.name}`; a rollback is never stopped"
    return Change({"paused": True}, f"{about.name} is paused", follows, f"Pause {about.name}")


def resume(about: Target) -> Change:
    """Let it go on. Raises AlreadySo where it is not paused."""
    if not about.fields.get("paused"):
        raise AlreadySo(f"{about.name} is not paused")
    follows = f"it goes on from phase {about.status.phase}"
    return Change({"paused": False}, f"{about.name} is not paused any more", follows, f"Resume {about.name}")


def retry(text: str, about: Target) -> Change:
    """Give what was rejected, aborted, blocked or held another try. Raises CannotSteer where nothing waits for it."""
    refuse_commands(about, reason=text)
    status = about.status
    if status.phase not in _WAITS and status.held is None and not status.rejected_templates:
        raise CannotSteer(
            f"{about.name} was not changed: expected a version that is rejected, aborted, blocked or held, found phase "
            f"{status.phase}; do: podium explain {about.name}"
        )
    if about.spec.rollout.retry == text:
        raise CannotSteer(
            f"{about.name} was not changed: spec.rollout.retry is {text!r} already; do: give a new --reason"
        )
    follows = "the version is tried again, with its gates first; requests to jobs and services are sent again"
    over = left_over(about)
    what, aim = retried(about), f"an end of spec.rollout.{', '.join(over)}" if over else ""
    patch = {"rollout": {"retry": text, **over}}
    return Change(patch, f"{what} is retried", follows + held(about), f"Retry {about.name}", aim)


def retried(about: Target) -> str:
    """What another try is given to."""
    model = about.spec.model
    named = f"version {model.version}" if model.version is not None else f"the version of alias {model.alias}"
    return f"{named} of {about.name}"


def undo(version: str | None, about: Target) -> Change:
    """Name this version, or the one before. Raises CannotSteer where none is remembered, and AlreadySo."""
    return to_version(about, version or _before(about))


def _before(about: Target) -> str:
    status, model = about.status, about.spec.model
    champion = status.champion
    if champion is None:
        raise CannotSteer(
            f"{about.name} was not changed: expected a champion to return to, found none; do: name it by --to"
        )
    named = champion.version == model.version if model.version is not None else status.challenger is None
    if not named and champion.of_model(model.name):
        return champion.version
    promoted = [entry for entry in status.history if entry.outcome == "Promoted" and entry.of_model(model.name)]
    earlier = [entry.version for entry in promoted if entry.version != champion.version]
    if status.former is not None and status.former.of_model(model.name):
        earlier.append(status.former.version)
    if not earlier:
        raise CannotSteer(
            f"{about.name} was not changed: it remembers no champion before {champion.version}; do: --to VERSION"
        )
    return earlier[-1]


def approve(person: str, version: str | None, digest: str | None, about: Target) -> Change:
    """An approval more. Raises CannotSteer where no gate would count it, and AlreadySo where it is there."""
    refuse_commands(about, person=person)
    _accepted(person, about)
    number = version or awaited(about)
    approval: dict[str, Any] = {"version": number, "by": person} | ({"digest": digest} if digest else {})
    there = list(about.fields.get("approvals") or [])
    if approval in there:
        raise AlreadySo(f"{person} approves version {number} of {about.name}")
    done = f"version {number} of {about.name} is approved by {person}"
    follows = _after_approval(about, number)
    return Change({"approvals": [*there, approval]}, done, follows, f"Approve version {number} of {about.name}")


def _after_approval(about: Target, number: str) -> str:
    if number not in {about.spec.model.version, *_waiting(about)}:
        return f"no gate waits for version {number}: the approval counts once spec.model names it"
    passes = "a gate that waits for it passes, unless its metric refuses the version; all other gates count as before"
    return passes + held(about)


def _accepted(person: str, about: Target) -> None:
    """Refuses an approval that no gate would count."""
    gates = [gate for gate in about.spec.gates if gate.approval is not None]
    if not gates:
        raise CannotSteer(
            f"{about.name} was not changed: no gate asks for an approval; see podium explain {about.name}"
        )
    lists = [gate.approval.by for gate in gates if gate.approval is not None]
    if all(people and person not in people for people in lists):
        known = sorted({one for people in lists for one in people or []})
        expected = f"expected an approval by {' or '.join(known)}, found {person}"
        raise CannotSteer(f"{about.name} was not changed: {expected}; do: ask one of them")


def awaited(about: Target) -> str:
    """The version that an approval is about, where none is named. Raises CannotSteer where that is not certain."""
    named, waiting = about.spec.model.version, _waiting(about)
    if named is not None and waiting and named not in waiting:
        raise CannotSteer(
            f"{about.name} was not changed: spec.model.version is {named}, and the gates wait for version "
            f"{waiting[0]} still; do: say --version {named}"
        )
    found = named or next(iter(waiting), None)
    if not found:
        raise CannotSteer(f"{about.name} was not changed: no gate waits for an approval yet; do: name the --version")
    return found


def _waiting(about: Target) -> list[str]:
    """The versions for which a gate with an approval waits."""
    asks = {gate.name for gate in about.spec.gates if gate.approval is not None}
    return [
        gate.version for gate in about.status.gates if gate.name in asks and gate.state == "Pending" and gate.version
    ]
