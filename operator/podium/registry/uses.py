"""Which versions ModelDeployments use, by the objects as the cluster or a file has them. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = Mapping[str, Any]
_SLOTS: Final = ("champion", "challenger", "former")  # of the status


@dataclass(frozen=True)
class Use:
    """One ModelDeployment's hold on a version."""

    namespace: str
    deployment: str
    model: str
    version: str
    role: str  # wanted, champion, challenger, former, or was champion
    digest: str = ""  # by which it is pinned

    def __str__(self) -> str:
        return f"{self.namespace}/{self.deployment} ({self.role})"


def uses(value: Json) -> Iterator[Use]:
    """The versions of one ModelDeployment: that which the spec names, those in its slots, and its former champions."""
    spec, status = _part(value, "spec"), _part(value, "status")
    metadata, model = _part(value, "metadata"), str(_part(spec, "model").get("name") or "")
    where = str(metadata.get("namespace") or ""), str(metadata.get("name") or "")
    wanted = _part(spec, "model").get("version")
    if wanted:
        yield Use(*where, model, str(wanted), "wanted")
    for role in _SLOTS:
        pinned = _part(status, role)
        if pinned.get("version"):
            yield Use(*where, _model(pinned, model), str(pinned["version"]), role, str(pinned.get("digest") or ""))
    for entry in status.get("history") or ():
        if entry.get("outcome") == "Promoted":
            yield Use(
                *where, _model(entry, model), str(entry.get("version")), "was champion", str(entry.get("digest") or "")
            )


def champion_alias(value: Json) -> str:
    """The alias that the ModelDeployment writes."""
    return str(_part(_part(_part(value, "spec"), "registry"), "aliases").get("champion") or "champion")


def followed_alias(value: Json) -> str:
    """The alias that it follows; "" where it names a version."""
    return str(_part(_part(value, "spec"), "model").get("alias") or "")


def model_name(value: Json) -> str:
    """The registered model that it serves."""
    return str(_part(_part(value, "spec"), "model").get("name") or "")


def _model(found: Json, otherwise: str) -> str:
    named = str(found.get("model") or "")
    source = found.get("source")
    return named or (str(source.get("model") or "") if isinstance(source, Mapping) else "") or otherwise


def _part(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}
