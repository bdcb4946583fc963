"""What a person says of a version on trial: abort, promote, rollback. Pure, as all plans are."""

import math
from collections.abc import Mapping
from typing import Any, Final

from podium.api.v1alpha1.status import Phase, Pinned, Trial
from podium.api.v1alpha1.values.base import format_time
from podium.steering.change import AlreadySo, CannotSteer, Change, Json, Target, refuse_commands, replaced
from podium.steering.model_versions import to_version
from podium.steering.subjects import refuse_another, refuse_champion, subject, to_abort

_UNDER_WAY: Final = frozenset(
    {Phase.GATING, Phase.BLOCKED, Phase.RELOADING, Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING}
)
_PASSED: Final = frozenset({Phase.PROMOTING, Phase.SOAKING})


def abort(version: str | None, by: str | None, reason: str | None, about: Target) -> Change:
    """Take a version out of traffic, and keep it out. Raises CannotSteer where none is tried, and AlreadySo."""
    refuse_commands(about, by=by, reason=reason)
    if version is not None:
        refuse_champion(about, version)
    number, template = (version, None) if version is not None else to_abort(about)
    there = (about.fields.get("rollout") or {}).get("abort") or {}
    what = f"version {number} of {about.name}" + (f" with pod template {template}" if template else "")
    of_model = there.get("model") in {None, about.spec.model.name}
    known = of_model and (there.get("version"), there.get("template")) == (number, template)
    if known and by in {None, there.get("by")} and reason in {None, there.get("reason")}:
        raise AlreadySo(f"{what} is aborted")
    if known:  # what is not said again stays
        by, reason = by or there.get("by"), reason or there.get("reason")
    said = {
        "version": number,
        "model": about.spec.model.name,
        "template": template,
        "by": by or about.user,
        "reason": reason,
    }
    patch = {"rollout": {"abort": replaced(there, said)}}
    return Change(patch, f"{what} is aborted", _after_abort(about, number), f"Abort {what}")


def _after_abort(about: Target, number: str) -> str:
    status, on_trial_now = about.status, subject(about.status)
    named = {about.spec.model.version, status.held.version if status.held is not None else None}
    if (on_trial_now is None or on_trial_now.version != number) and number not in named:
        return f"version {number} is not on trial: it is kept out if spec.model names it"
    if status.trusted is None:
        return "no other version can answer: a version that has the traffic keeps it until one can"
    return (
        "requests go to the champion at once; the version stays out until spec.rollout.abort is removed, which "
        "podium retry does, or another version is named"
    )


def promote(by: str | None, reason: str | None, about: Target, *, full: bool) -> Change:
    """Let a version on trial skip a step, or all that is left. Raises CannotSteer where it may not, and AlreadySo."""
    refuse_commands(about, by=by, reason=reason)
    goes_on = {"paused": False} if about.spec.paused else {}
    if goes_on and about.status.phase in _UNDER_WAY and (not full or about.status.phase in _PASSED):
        return _goes_on(about)
    found, trial = _on_trial(about)
    what = {"full": True} if full else {"skipSteps": _steps(about, trial)}
    number = {"version": found.version, "model": about.spec.model.name}
    said = {**number, **what, "trialStartedAt": format_time(trial.started_at)}
    there: Mapping[str, Any] = (about.fields.get("rollout") or {}).get("promote") or {}
    if not goes_on and _skips_already(there, said):
        raise AlreadySo(f"version {found.version} of {about.name} skips that already")
    patch = replaced(there, said | {"by": by or about.user, "reason": reason})
    skips = "all steps that are left" if full else _what(what["skipSteps"])
    done = f"version {found.version} of {about.name} skips {skips}"
    commit = f"Let version {found.version} of {about.name} skip {skips}"
    aim = f"the trial that began at {said['trialStartedAt']}"
    return Change({"rollout": {"promote": patch}, **goes_on}, done, _after_promote(found, full=full), commit, aim)


def _goes_on(about: Target) -> Change:
    """The end of a pause, which is all that is in the way."""
    tried = about.status.challenger or about.status.champion
    if tried is not None:
        refuse_another(about, tried, "look again")
    number = f"version {tried.version}" if tried is not None else "its version"
    phase = about.status.phase
    follows = f"{number} goes on from phase {phase}"
    if phase is Phase.CANARY:
        follows = f"the step of {number} goes on; podium promote {about.name} again skips it"
    return Change({"paused": False}, f"{about.name} is not paused any more", follows, f"Resume {about.name}")


def _skips_already(there: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Whether the spec says so, or more, of this very trial."""
    of_trial = ("version", "trialStartedAt")
    same = all(there.get(name) == said[name] for name in of_trial) and there.get("model") in {None, said["model"]}
    return same and (there.get("full") is True or there.get("skipSteps", -1) >= said.get("skipSteps", math.inf))


def _on_trial(about: Target) -> tuple[Pinned, Trial]:
    """The version that may skip something, and its trial."""
    status, tried = about.status, about.status.challenger
    if status.phase in _PASSED:
        named = tried or status.champion
        raise AlreadySo(f"version {named.version if named else '?'} of {about.name} has passed all its steps")
    if status.phase in {Phase.GATING, Phase.BLOCKED}:
        raise CannotSteer(
            f"{about.name} was not changed: expected a version whose gates have passed, found phase {status.phase}; "
            f"do: podium explain {about.name}"
        )
    if tried is None or status.trial is None or status.phase not in {Phase.STARTING, Phase.CANARY}:
        raise CannotSteer(f"{about.name} was not changed: expected a version on trial, found phase {status.phase}")
    refuse_another(about, tried, "wait for its trial, and look again")
    said = about.spec.rollout.abort
    if said is not None and said.version == tried.version and said.model in {None, about.spec.model.name}:
        raise CannotSteer(
            f"{about.name} was not changed: spec.rollout.abort takes version {said.version} out of the traffic; "
            f"do: podium retry {about.name}"
        )
    return tried, status.trial


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
    refuse_commands(about, by=by, reason=reason)
    version = champion_before(about)
    more = _at_once(version, by, reason, about) if now else {}
    commit = f"Roll {about.name} back to version {version}"
    try:
        named = to_version(about, version)
    except AlreadySo as known:
        if not now or _says(about, version):
            raise
        return Change(more, f"{known}, at once", _HOW, commit)
    if not now:
        return Change(named.patch, named.done, named.follows, commit, named.aim)
    rollout = {**named.patch.get("rollout", {}), **more["rollout"]}
    return Change({**named.patch, **more, "rollout": rollout}, f"{named.done}, at once", _HOW, commit, named.aim)


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
    model = about.spec.model.name
    said = {"version": version, "model": model, "full": True, "by": by or about.user, "reason": reason}
    goes_on = {"paused": False} if about.spec.paused else {}
    return {"rollout": {"promote": replaced(_there(about), said)}, **goes_on}


def _says(about: Target, version: str) -> bool:
    """Whether the spec says already that this version comes at once."""
    there = _there(about)
    said = (there.get("version"), there.get("full"), there.get("trialStartedAt")) == (version, True, None)
    return said and there.get("model") in {None, about.spec.model.name} and not about.spec.paused


def _there(about: Target) -> Json:
    return (about.fields.get("rollout") or {}).get("promote") or {}
