"""Which version a verdict is about, by the spec and the status together. Pure.

The status is about the past: directly after a change of the spec it tells of the version before. A verdict must not hit
that one in place of the version that was just named, and not the new one in place of the one that a person has seen.
"""

from podium.api.v1alpha1.status import Phase, Pinned, Status
from podium.core.rollout.templates import on_trial
from podium.steering.change import CannotSteer, Target


def subject(status: Status) -> Pinned | None:
    """The version under judgement; None where none is, or no former champion is left to return to."""
    if status.phase is Phase.SOAKING:
        return status.champion if status.former is not None else None
    return status.challenger


def refuse_another(about: Target, seen: Pinned, advice: str) -> None:
    """Refuses a verdict on the version that the status has where Git names another one by now."""
    named = _other_than(about, seen)
    if named:
        raise CannotSteer(
            f"{about.name} was not changed: {named}, and the status is about version {seen.version} of {seen.model} "
            f"still; do: {advice}"
        )


def to_abort(about: Target) -> tuple[str, str | None]:
    """The version on trial, with its template where that is what is tried; or the version that waits for a trial."""
    status, model = about.status, about.spec.model
    found = subject(status)
    if found is not None and not (status.phase is Phase.ROLLING_BACK and _other_than(about, found)):
        either = f"say --version {model.version} or --version {found.version}" if model.version else "look again"
        refuse_another(about, found, either)
        template = found.template.revision if on_trial(status) and found.template is not None else None
        return found.version, template
    waits = model.version or (status.held.version if status.held is not None else None)
    champion = status.champion
    if waits is not None and (champion is None or champion.version != waits or not champion.of_model(model.name)):
        return waits, None
    found_text = "none" if champion is None else f"champion {champion.version}, which serves"
    raise CannotSteer(
        f"{about.name} was not changed: expected a version on trial, found {found_text}; do: name one by --version, or "
        f"return to the version before by podium undo {about.name}"
    )


def refuse_champion(about: Target, version: str) -> None:
    """Refuses an abort of the version that serves: nothing would come of it."""
    status, model = about.status, about.spec.model.name
    champion, tried = status.champion, subject(status)
    if champion is None or champion.version != version or not champion.of_model(model):
        return
    if tried is not None and tried.version == version and not on_trial(status):
        return
    raise CannotSteer(
        f"{about.name} was not changed: expected a version that is not champion, found champion {version}, which "
        f"serves: an abort says nothing of it; do: podium rollback {about.name} for the champion before"
        + (", or without --version for the pod template on trial" if on_trial(status) else "")
    )


def _other_than(about: Target, seen: Pinned) -> str:
    """What Git names, where that is not this version; "" where it is, or where that cannot be told."""
    model, trial = about.spec.model, about.status.trial
    if not seen.of_model(model.name):
        return f"spec.model.name is {model.name}"
    if model.version is not None:
        return f"spec.model.version is {model.version}" if model.version != seen.version else ""
    known = trial.spec.get("model") if trial is not None else None
    alias = known.get("alias") if isinstance(known, dict) else model.alias
    return f"spec.model.alias is {model.alias}" if alias != model.alias else ""
