"""The champion alias in the registry: whose it is. Podium moves what it moved, and leaves alone what a person moved.

A write of Podium's can land late or out of order: after a timeout, or from a former leader. So the version is written
down before the registry is asked, and for as long as such a write can still land, an alias at any version that Podium
asked for counts as Podium's own. After that it was a person who moved it there.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from podium.api.v1alpha1.registry_status import REQUESTED_LIMIT, RegistryStatus
from podium.api.v1alpha1.source import address
from podium.api.v1alpha1.status import Pinned, Status
from podium.core.actions import Action, ClaimAlias, MoveAlias
from podium.core.facts import Facts

LATE = timedelta(minutes=10)  # no write to the registry lands later than this after it was asked for


def known_alias(facts: Facts) -> RegistryStatus:
    """What is known of the alias that Git names now: with another name or model nothing is.

    A registry that is at another address keeps its aliases, and what persons did to them.
    """
    known = facts.status.registry
    known = known if known.target == "" or _name(known.target) == _name(_target(facts)) else RegistryStatus()
    champion = _champion(facts)
    if champion is None:
        return known
    if facts.observed.registry.alias != champion.version:
        return known.model_copy(update={"target": known.target or _target(facts)})
    return known.model_copy(update={"target": _target(facts), "alias": champion.version})


def _target(facts: Facts) -> str:
    return f"{address(facts.observed.registry.uri)} {facts.spec.model.name}@{facts.spec.registry.aliases.champion}"


def _name(target: str) -> str:
    """The names of model and alias, without the address of the registry."""
    return target.partition(" ")[2]


def astray(facts: Facts) -> bool:
    """Whether the alias points elsewhere than to the champion."""
    champion, alias = _champion(facts), facts.observed.registry.alias
    return champion is not None and alias is not None and alias != champion.version


def moved_by_a_person(facts: Facts) -> bool:
    """Whether the alias has been where Podium put it, and no write of Podium's can have moved it on."""
    champion, known = facts.status.champion, facts.status.registry
    seen_there = champion is not None and known.alias == champion.version and not _yet_to_be_set(facts)
    return astray(facts) and seen_there and facts.observed.registry.alias not in _ours(facts)


def _yet_to_be_set(facts: Facts) -> bool:
    """Whether a registry at another address than the one where the alias was seen knows of no such alias."""
    return facts.observed.registry.alias == "" and facts.status.registry.target != _target(facts)


def _ours(facts: Facts) -> Sequence[str]:
    """The versions at which writes of Podium's may leave the alias now."""
    known = facts.status.registry
    may_land = known.requested_at is None or facts.now - known.requested_at < LATE
    return known.requested if may_land else known.requested[-1:]


def claims(facts: Facts) -> Iterator[ClaimAlias]:
    """The claim of the alias, where it is no one's or a void one. What is claimed here is written once it is seen."""
    found, owner = facts.observed.registry.claim, facts.observed.alias_owner
    if found is None or not owner or found == owner or (found and not facts.observed.claim_void):
        return
    alias = facts.spec.registry.aliases.champion
    over = f", taken over from {found}" if found else ""
    yield ClaimAlias(alias, owner, found, why=f"alias {alias} is claimed for {owner}{over}")


def may_write(facts: Facts) -> bool:
    """Whether the alias is this ModelDeployment's to write, as far as the registry keeps who claims it."""
    claim = facts.observed.registry.claim
    return claim is None or (claim != "" and claim == facts.observed.alias_owner)


def moves(facts: Facts) -> Iterator[MoveAlias]:
    """What the registry is to be asked for."""
    champion, now = facts.status.champion, facts.observed.registry.alias
    if champion is None or not astray(facts) or moved_by_a_person(facts) or not may_write(facts):
        return
    alias = facts.spec.registry.aliases.champion
    was = f"version {now}" if now else "nothing"
    owner = facts.observed.registry.claim or ""
    yield MoveAlias(alias, champion.version, f"alias {alias} moves from {was} to {champion.version}", owner)


def with_intent(facts: Facts, actions: Sequence[Action]) -> Status:
    """The status with the versions that the registry is about to be asked for: it is written before that."""
    requested = [action.version for action in actions if isinstance(action, MoveAlias)]
    status, known = facts.status, facts.status.registry
    if not requested or known.requested[-len(requested) :] == requested:
        return status
    kept = [version for version in known.requested if version not in requested]
    update = {"requested": [*kept, *requested][-REQUESTED_LIMIT:], "requested_at": facts.now}
    return status.model_copy(update={"registry": known.model_copy(update=update)})


def promoted(status: Status, new: Pinned) -> RegistryStatus:
    """What is known of the alias when a version is promoted: its number with other bytes is another version."""
    before = status.champion
    again = before is not None and before.version == new.version and before.digest != new.digest
    return status.registry.model_copy(update={"alias": None}) if again else status.registry


def _champion(facts: Facts) -> Pinned | None:
    """The champion, where it is of the model whose alias Git names."""
    champion = facts.status.champion
    return champion if champion is not None and facts.of_source(champion) else None
