"""The champion alias in the registry: whose it is. Podium moves what it moved, and leaves alone what a person moved.

A write of Podium's can land late or out of order: after a timeout, or from a former leader. So the version is written
down before the registry is asked, and for as long as such a write can still land, an alias at any version that Podium
asked for counts as Podium's own. After that it was a person who moved it there.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from podium.api.v1alpha1.source import address
from podium.api.v1alpha1.status import REQUESTED_LIMIT, Pinned, RegistryStatus, Status
from podium.core.actions import Action, MoveAlias
from podium.core.facts import Facts

LATE = timedelta(minutes=10)  # no write to the registry lands later than this after it was asked for


def known_alias(facts: Facts) -> RegistryStatus:
    """What is known of the alias that Git names now: with another name, model or registry nothing is."""
    target = f"{address(facts.observed.registry.uri)} {facts.spec.model.name}@{facts.spec.registry.aliases.champion}"
    known = facts.status.registry
    known = known if known.target in {target, ""} else RegistryStatus()
    champion = _champion(facts)
    if champion is None:
        return known
    seen = champion.version if facts.observed.registry.alias == champion.version else known.alias
    return known.model_copy(update={"target": target, "alias": seen})


def astray(facts: Facts) -> bool:
    """Whether the alias points elsewhere than to the champion."""
    champion, alias = _champion(facts), facts.observed.registry.alias
    return champion is not None and alias is not None and alias != champion.version


def moved_by_a_person(facts: Facts) -> bool:
    """Whether the alias has been where Podium put it, and no write of Podium's can have moved it on."""
    champion, known = facts.status.champion, facts.status.registry
    seen_there = champion is not None and known.alias == champion.version
    return astray(facts) and seen_there and facts.observed.registry.alias not in _ours(facts)


def _ours(facts: Facts) -> Sequence[str]:
    """The versions at which writes of Podium's may leave the alias now."""
    known = facts.status.registry
    may_land = known.requested_at is None or facts.now - known.requested_at < LATE
    return known.requested if may_land else known.requested[-1:]


def moves(facts: Facts) -> Iterator[MoveAlias]:
    """What the registry is to be asked for."""
    champion, now = facts.status.champion, facts.observed.registry.alias
    if champion is None or not astray(facts) or moved_by_a_person(facts):
        return
    alias = facts.spec.registry.aliases.champion
    was = f"version {now}" if now else "nothing"
    yield MoveAlias(alias, champion.version, why=f"alias {alias} moves from {was} to {champion.version}")


def with_intent(facts: Facts, actions: Sequence[Action]) -> Status:
    """The status with the versions that the registry is about to be asked for: it is written before that."""
    requested = [action.version for action in actions if isinstance(action, MoveAlias)]
    status, known = facts.status, facts.status.registry
    if not requested or known.requested[-len(requested) :] == requested:
        return status
    kept = [version for version in known.requested if version not in requested]
    update = {"requested": [*kept, *requested][-REQUESTED_LIMIT:], "requested_at": facts.now}
    return status.model_copy(update={"registry": known.model_copy(update=update)})


def _champion(facts: Facts) -> Pinned | None:
    """The champion, where it is of the model whose alias Git names."""
    champion = facts.status.champion
    return champion if champion is not None and facts.of_source(champion) else None
