"""Two ModelDeployments for one registered model must not write one alias: who writes which, and who was first.

It decides where the registry has no claim yet: one that is there says whose the alias is (see `others`).

A list of all fills the claims when leadership begins and after each relist, and what the watch tells puts one right at
a time. So a reconcile asks here, and lists nothing: with a list in each, a thousand ModelDeployments would parse a
million of them to rest. What is known here can be old: whoever is about to go by it reads the other object first.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from podium.api.v1alpha1.source import address
from podium.core.facts import AliasConflict, Key
from podium.errors import Unavailable
from podium.ports import AliasClaim

_Alias = tuple[str, str, str]  # registry, model, alias
_NOT_LISTED: Final = "the ModelDeployments are not listed yet: another one may write the alias"


class AliasClaims:
    """The claims of all ModelDeployments that the operator watches."""

    def __init__(self, default_uri: str, *, wake: Callable[[Key], None] = lambda _: None) -> None:
        """`wake` is told of each other one that claims an alias which was claimed or freed just now."""
        self._default_uri = default_uri  # of ModelDeployments that name no registry
        self._wake = wake
        self._claims: dict[Key, AliasClaim] = {}
        self._of: dict[_Alias, set[Key]] = {}
        self._newer: set[Key] = set()  # told of since the last list began
        self._complete = False

    def clear(self) -> None:
        """Nothing is known: this process begins to lead."""
        self._claims.clear()
        self._of.clear()
        self._complete = False

    def listing(self) -> None:
        """A list of all begins: what is told of from now on is newer than what it will say."""
        self._newer.clear()

    def fill(self, listed: Iterable[AliasClaim]) -> None:
        """What the list said. Whoever is not in it is gone."""
        found = {claim.key: claim for claim in listed}
        for key in (self._claims.keys() | found.keys()) - self._newer:
            self._put(key, found.get(key))
        self._complete = True

    def note(self, key: Key, claim: AliasClaim | None) -> None:
        """The ModelDeployment as it is now; None where it is gone, or claims nothing."""
        self._newer.add(key)
        former, known = self._claims.get(key), self._put(key, claim)
        if former != known:
            self._wake_others(key, former, known)

    def conflict(self, claim: AliasClaim | None) -> AliasConflict | None:
        """The oldest ModelDeployment before this one that writes the same alias of the same model, if there is one.

        Raises Unavailable where the others have not been listed yet.
        """
        if not self._complete:
            raise Unavailable(_NOT_LISTED)
        if claim is None:
            return None
        mine = self._with_registry(claim)
        others = (self._claims[key] for key in self._of.get(_alias(mine), ()))
        older = [other for other in others if other.uid != mine.uid and not other.deleting and _age(other) < _age(mine)]
        return AliasConflict(key=min(older, key=_age).key, alias=mine.alias) if older else None

    def same(self, one: AliasClaim | None, other: AliasClaim | None) -> bool:
        """Whether both write one alias of one model of one registry."""
        if one is None or other is None:
            return False
        return _alias(self._with_registry(one)) == _alias(self._with_registry(other))

    def _put(self, key: Key, claim: AliasClaim | None) -> AliasClaim | None:
        former, known = self._claims.pop(key, None), self._with_registry(claim) if claim is not None else None
        if former is not None:
            held = self._of[_alias(former)]
            held.discard(key)
            if not held:
                del self._of[_alias(former)]
        if known is not None:
            self._claims[key] = known
            self._of.setdefault(_alias(known), set()).add(key)
        return known

    def _wake_others(self, key: Key, *claims: AliasClaim | None) -> None:
        aliases = {_alias(claim) for claim in claims if claim is not None}
        for other in {other for alias in aliases for other in self._of.get(alias, ())} - {key}:
            self._wake(other)

    def _with_registry(self, claim: AliasClaim) -> AliasClaim:
        return replace(claim, registry=address(claim.registry or self._default_uri))


def _alias(claim: AliasClaim) -> _Alias:
    return claim.registry, claim.model, claim.alias


def _age(claim: AliasClaim) -> tuple[datetime, str, str]:
    return claim.created, claim.key.namespace, claim.key.name
