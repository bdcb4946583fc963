"""What a person says of a version on trial: abort, promote, rollback. Pure, as all plans are."""

from collections.abc import Mapping
from typing import Any

from podium.api.v1alpha1.status import Phase, Pinned, Status, Trial
from podium.api.v1alpha1.values.base import format_time
from podium.core.rollout.templates import on_trial
from podium.steering.change import AlreadySo, CannotSteer, Change, Json, Target, replaced
from podium.steering.model_versions import to_version


def abort(version: str | None, by: str | None, reason: str | None, about: Target) -> Change:
    """Take a version out of traffic, and keep it out. Raises CannotSteer where none is tried, and AlreadySo."""
    number, template = (version, None) if version is not None else _tried(about)
    there = (about.fields.get("rollout") or {}).get("abort") or {}
    what = f"version {number} of {about.name}" + (f" with pod template {template}" if template else "")
    of_model = there.get("model") in {None, about.spec.model.name}
    if of_model and (there.get("version"), there.get("template")) == (number, template):
        raise AlreadySo(f"{what} is aborted")
    said = {"version": number, "template": template, "by": by or about.user, "reason": reason}
    return Change(
        {"rollout": {"abort": replaced(there, said)}}, f"{what} is aborted", _after_abort(about.status), f"Abort {what}"
    )


def _tried(about: Target) -> tuple[str, str | None]:
    """The version on trial, with its template where that is what is tried; or the version that waits for a trial."""
    status, model = about.status, about.spec.model
    subject = _subject(status)
    if subject is not None:
        template = subject.template.revision if on_trial(status) and subject.template is not None else None
        return subject.version, template
    waits = model.version or (status.held.version if status.held is not None else None)
    champion = status.champion
    if waits is not None and (champion is None or champion.version != waits or not champion.of_model(model.name)):
        return waits, None
    found = "none" if champion is None else f"champion {champion.version}, which serves"
    raise CannotSteer(
        f"{about.name} was not changed: expected a version on trial, found {found}; do: name one by --version, or "
        f"return to the version before by podium undo {about.name}"
    )


def _subject(status: Status) -> Pinned | None:
    if status.phase is Phase.SOAKING:
        return status.champion if status.former is not None else None
    return status.challenger


def _after_abort(status: Status) -> str:
    if status.trusted is None:
        return "no other version can answer: a version that has the traffic keeps it until one can"
    return (
        "requests go to the champion at once; the version stays out until spec.rollout.abort is removed, which "
        "podium retry does, or another version is named"
    )


def promote(by: str | None, reason: str | None, about: Target, *, full: bool) -> Change:
    """Let a version on trial skip a step, or all that is left. Raises CannotSteer where it may not, and AlreadySo."""
    subject, trial = _on_trial(about)
    goes_on = {"paused": False} if about.spec.paused else {}
    if goes_on and not full:
        follows = f"the step of version {subject.version} goes on; podium promote {about.name} again skips it"
        return Change(goes_on, f"{about.name} is not paused any more", follows, f"Resume {about.name}")
    what = {"full": True} if full else {"skipSteps": _steps(about, trial)}
    said = {"version": subject.version, **what, "trialStartedAt": format_time(trial.started_at)}
    there: Mapping[str, Any] = (about.fields.get("rollout") or {}).get("promote") or {}
    if not goes_on and said.items() <= there.items():
        raise AlreadySo(f"version {subject.version} of {about.name} skips that already")
    patch = replaced(there, said | {"by": by or about.user, "reason": reason})
    skips = "all steps that are left" if full else _what(what["skipSteps"])
    done = f"version {subject.version} of {about.name} skips {skips}"
    commit = f"Let version {subject.version} of {about.name} skip {skips}"
    return Change({"rollout": {"promote": patch}, **goes_on}, done, _after_promote(subject, full=full), commit)


def _on_trial(about: Target) -> tuple[Pinned, Trial]:
    """The version that may skip something, and its trial."""
    status, subject = about.status, about.status.challenger
    if status.phase in {Phase.PROMOTING, Phase.SOAKING}:
        named = subject or status.champion
        raise AlreadySo(f"version {named.version if named else '?'} of {about.name} has passed all its steps")
    if status.phase in {Phase.GATING, Phase.BLOCKED}:
        raise CannotSteer(
            f"{about.name} was not changed: expected a version whose gates have passed, found phase {status.phase}; "
            f"do: podium explain {about.name}"
        )
    if subject is None or status.trial is None or status.phase not in {Phase.STARTING, Phase.CANARY}:
        raise CannotSteer(f"{about.name} was not changed: expected a version on trial, found phase {status.phase}")
    return subject, status.trial


def _steps(about: Target, trial: Trial) -> int:
    """How many steps are skipped with the present one."""
    if about.status.phase is Phase.CANARY:
        return trial.step + 1
    if about.spec.traffic.preview is None:
        raise CannotSteer(
            f"{about.name} was not changed: expected a version in a step, found one whose pods start; do: wait for "
            f"them, or skip all steps by --full"
        )
    return 0


def _what(steps: int) -> str:
    return f"step {steps}" if steps else "the time for testers alone"


def _after_promote(subject: Pinned, *, full: bool) -> str:
    if full:
        return (
            f"all requests go to version {subject.version} once all its pods are ready, unless a guard is Failed; the "
            "soak keeps the champion warm"
        )
    return "the next step begins, and after the last one the promotion, unless a guard is Failed"


def rollback(by: str | None, reason: str | None, about: Target, *, now: bool) -> Change:
    """Return to the champion before this one. Raises CannotSteer where none is remembered, and AlreadySo."""
    version = champion_before(about)
    more = _at_once(version, by, reason, about) if now else {}
    subject = f"Roll {about.name} back to version {version}"
    try:
        named = to_version(about, version)
    except AlreadySo as known:
        if not now or _says(about, version):
            raise
        return Change(more, f"{known}, at once", _HOW, subject)
    if not now:
        return Change(named.patch, named.done, named.follows, subject)
    rollout = {**named.patch.get("rollout", {}), **more["rollout"]}
    return Change({**named.patch, **more, "rollout": rollout}, f"{named.done}, at once", _HOW, subject)


_HOW = "a version on trial loses its traffic, and this one gets all of it once its pods are ready; no pause holds it"


def champion_before(about: Target) -> str:
    """The champion before the present one. Who was returned to earlier is not left for the one that was taken back."""
    status, model, stack = about.status, about.spec.model.name, list[str]()
    for entry in status.history:
        if entry.outcome == "Promoted" and entry.of_model(model):
            del stack[stack.index(entry.version) if entry.version in stack else len(stack) :]
            stack.append(entry.version)
    champion = status.champion
    if status.former is not None and status.former.of_model(model) and status.former.version not in stack:
        stack.insert(max(len(stack) - 1, 0), status.former.version)
    if champion is not None and champion.version in stack:
        del stack[stack.index(champion.version) :]
    if champion is None or not stack:
        found = f"none before {champion.version}" if champion is not None else "none"
        raise CannotSteer(
            f"{about.name} was not changed: expected a champion before this one in status.history, found {found}; do: "
            f"podium set version {about.name} VERSION"
        )
    return stack[-1]


def _at_once(version: str, by: str | None, reason: str | None, about: Target) -> dict[str, Any]:
    """What a revert in Git would wait for: a pause, and steps."""
    said = {"version": version, "full": True, "by": by or about.user, "reason": reason}
    goes_on = {"paused": False} if about.spec.paused else {}
    return {"rollout": {"promote": replaced(_there(about), said)}, **goes_on}


def _says(about: Target, version: str) -> bool:
    """Whether the spec says already that this version comes at once."""
    there = _there(about)
    said = (there.get("version"), there.get("full"), there.get("trialStartedAt")) == (version, True, None)
    return said and not about.spec.paused


def _there(about: Target) -> Json:
    return (about.fields.get("rollout") or {}).get("promote") or {}
