"""The change of spec.model to another version or alias, and what it leads to, as far as the status says."""

from typing import Any, Final

from podium.api.v1alpha1.status import Phase
from podium.steering.change import AlreadySo, Change, Target, held

# While one of these lasts, a promotion of the champion may be about the trial of its pod template, or its soak.
_WORKS: Final = frozenset({Phase.RELOADING, Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING})


def to_version(about: Target, version: str) -> Change:
    """Name a version. Raises AlreadySo where the spec does."""
    if about.spec.model.version == version and "version" in about.fields.get("model", {}):
        raise AlreadySo(f"{about.name} names version {version}")
    was = about.spec.model.alias
    patch: dict[str, Any] = {"version": version} | ({"alias": None} if was is not None else {})
    instead = f", and no longer follows alias {was}" if was is not None else ""
    done = f"{about.name} names version {version}{instead}"
    over = left_over(about, version)
    subject = f"Set {about.name} to version {version}"
    aim = f"an end of spec.rollout.{', '.join(over)}" if over else ""
    patch = {"model": patch, **_without(over | spent(about))}
    return Change(patch, done, _follows(about, version), subject, aim)


def left_over(about: Target, version: str | None = None) -> dict[str, Any]:
    """The part of a patch of spec.rollout that removes what was said of an earlier trial of the version, or of any."""
    rollout, model = about.spec.rollout, about.spec.model.name
    words = {"abort": rollout.abort, "promote": rollout.promote}
    return {
        name: None
        for name, said in words.items()
        if said is not None and (version is None or (said.version == version and said.model in {None, model}))
    }


def spent(about: Target) -> dict[str, Any]:
    """The part of a patch of spec.rollout that removes a promotion of the version that is champion and not on trial.

    Such a word has no effect any more, until the version comes back with another pod template: then it would skip steps
    that no person has thought of. `podium rollback --now` leaves one each time.
    """
    said, status = about.spec.rollout.promote, about.status
    champion = status.champion
    if said is None or champion is None or status.phase in _WORKS or said.version != champion.version:
        return {}
    return {"promote": None} if champion.of_model(said.model or about.spec.model.name) else {}


def _without(over: dict[str, Any]) -> dict[str, Any]:
    return {"rollout": over} if over else {}


def to_alias(about: Target, alias: str) -> Change:
    """Follow an alias. Raises AlreadySo where the spec does."""
    if about.spec.model.alias == alias:
        raise AlreadySo(f"{about.name} follows alias {alias}")
    was = about.spec.model.version
    patch: dict[str, Any] = {"alias": alias} | ({"version": None} if was is not None else {})
    follows = "Podium tries the version to which it points, unless that is the champion, and each one to which it moves"
    done = f"{about.name} follows alias {alias}"
    patch = {"model": patch, **_without(spent(about))}
    return Change(patch, done, follows + held(about), f"Set {about.name} to alias {alias}")


def _follows(about: Target, version: str) -> str:
    """What Podium does next. The registry may have other bytes under the number, which the status does not know."""
    status, model = about.status, about.spec.model.name
    if status.champion is not None and status.champion.version == version and status.champion.of_model(model):
        return "a trial that is under way ends, and all requests go to this champion"
    if any(lost.version == version and lost.of_model(model) for lost in status.rejected):
        return (
            f"the version lost a trial: it stays rejected unless the spec has changed since; podium retry {about.name}"
        )
    decided = [entry for entry in status.history if entry.version == version and entry.of_model(model)]
    if decided and decided[-1].outcome == "Promoted":
        return (
            "it was champion before: it returns without gates, and without steps where its pod template was trusted "
            "too, if the registry still has the same artifacts"
        ) + held(about)
    return "the registry is asked for it, its gates are checked, and then it is tried beside the champion" + held(about)
