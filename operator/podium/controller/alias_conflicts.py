"""Two ModelDeployments for one registered model must not write one alias. Pure."""

from collections.abc import Iterable
from datetime import datetime

from podium.core.facts import AliasConflict
from podium.ports import ModelDeployment


def alias_conflict(md: ModelDeployment, others: Iterable[ModelDeployment], default_uri: str) -> AliasConflict | None:
    """The oldest ModelDeployment before this one that writes the same alias of the same model, if there is one."""
    mine = _alias(md, default_uri)
    older = [
        other
        for other in others
        if other.uid != md.uid
        and not other.deleting
        and mine is not None
        and _alias(other, default_uri) == mine
        and _age(other) < _age(md)
    ]
    if mine is None or not older:
        return None
    return AliasConflict(key=min(older, key=_age).key, alias=mine[2])


def _alias(md: ModelDeployment, default_uri: str) -> tuple[str, str, str] | None:
    """Registry, model and alias that a ModelDeployment writes."""
    if md.spec is None:
        return None
    uri = (md.spec.registry.uri or default_uri).rstrip("/")
    return uri, md.spec.model.name, md.spec.registry.aliases.champion


def _age(md: ModelDeployment) -> tuple[datetime, str, str]:
    return md.created, md.key.namespace, md.key.name
