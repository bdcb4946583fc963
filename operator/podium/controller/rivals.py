"""Two ModelDeployments for one registered model must not write one alias. Pure."""

from collections.abc import Iterable
from datetime import datetime

from podium.core.facts import Rival
from podium.ports import ModelDeploymentSeen


def rival_of(seen: ModelDeploymentSeen, others: Iterable[ModelDeploymentSeen], default_uri: str) -> Rival | None:
    """The oldest ModelDeployment before this one that writes the same alias of the same model, if there is one."""
    mine = _alias(seen, default_uri)
    older = [
        other
        for other in others
        if other.uid != seen.uid
        and not other.deleting
        and mine is not None
        and _alias(other, default_uri) == mine
        and _age(other) < _age(seen)
    ]
    if mine is None or not older:
        return None
    return Rival(key=min(older, key=_age).key, alias=mine[2])


def _alias(seen: ModelDeploymentSeen, default_uri: str) -> tuple[str, str, str] | None:
    """Registry, model and alias that a ModelDeployment writes."""
    if seen.spec is None:
        return None
    uri = (seen.spec.registry.uri or default_uri).rstrip("/")
    return uri, seen.spec.model.name, seen.spec.registry.aliases.champion


def _age(seen: ModelDeploymentSeen) -> tuple[datetime, str, str]:
    return seen.created, seen.key.namespace, seen.key.name
