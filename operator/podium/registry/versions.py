"""What the registry says of models and versions, as values; and how they are read from MLflow's answers. Pure.

Names, tags and metrics are whatever was once written there: data, never code.
"""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from podium.core.semantic_versions import TAG as SEMVER
from podium.core.semantic_versions import Difference, SemanticVersion
from podium.core.signature import Signature
from podium.core.version_lifecycle import Stage, stage_of

DIGEST: Final = "podium.dev/digest"
PREFIX: Final = "podium.dev/"  # of tags that Podium writes
CHAMPION: Final = "champion"  # the alias, where no ModelDeployment names another
Json = Mapping[str, Any]


@dataclass(frozen=True)
class RegisteredModel:
    """A name in the registry."""

    name: str
    newest: str  # version; "" where it has none
    aliases: Mapping[str, str]  # alias -> version
    created: datetime | None
    description: str = ""


@dataclass(frozen=True)
class Version:
    """One version of a registered model."""

    model: str
    number: str
    stage: Stage
    aliases: tuple[str, ...] = ()
    semver: SemanticVersion | None = None
    run: str = ""  # id; "" where no run made it
    run_found: bool = False  # whether the run is there still: metrics and params are its own
    metrics: Mapping[str, float] = field(default_factory=dict)  # last values; may hold NaN and infinities
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)  # the version's own
    created: datetime | None = None
    source: str = ""  # what was registered: models:/m-…, runs:/…, s3://…
    mlflow_stage: str = ""  # of MLflow's deprecated stages; "" for None
    status: str = ""
    description: str = ""


@dataclass(frozen=True)
class Details:
    """All of one version."""

    version: Version
    signature: Signature | None  # None where it has none
    digest: str  # that Podium recorded, or that was asked for; "" where neither
    files: tuple[str, ...] = ()  # relative paths; empty unless the digest was asked for


@dataclass(frozen=True)
class Comparison:
    """Two versions of a model beside each other."""

    one: Version
    other: Version
    difference: Difference | None  # None where one of them has no signature
    problem: str = ""  # why there is no difference


def registered_model(found: Json) -> RegisteredModel:
    """A model of `registered-models/get` or `search`."""
    aliases = {str(each["alias"]): str(each["version"]) for each in found.get("aliases") or ()}
    newest = max((int(each["version"]) for each in found.get("latest_versions") or ()), default=None)
    return RegisteredModel(
        str(found["name"]),
        "" if newest is None else str(newest),
        aliases,
        moment(found.get("creation_timestamp")),
        str(found.get("description") or ""),
    )


def version(found: Json, aliases: Mapping[str, str], champion: str, run: Json | None = None) -> Version:
    """A version of `model-versions/get` or `search`, which know no aliases; `champion` is the name of that alias."""
    number, tags, run_id = str(found["version"]), pairs(found.get("tags")), str(found.get("run_id") or "")
    own = tuple(sorted(alias for alias, to in aliases.items() if to == number))
    data: Json = (run or {}).get("data") or {}
    stage = str(found.get("current_stage") or "None")
    return Version(
        model=str(found["name"]),
        number=number,
        stage=stage_of(tags, champion=champion in own, run=bool(run_id)),
        aliases=own,
        semver=SemanticVersion.parsed(tags.get(SEMVER, "")),
        run=run_id,
        run_found=run is not None,
        metrics=_metrics(data.get("metrics") or ()),
        params=pairs(data.get("params")),
        tags=tags,
        created=moment(found.get("creation_timestamp")),
        source=str(found.get("source") or ""),
        mlflow_stage="" if stage == "None" else stage,
        status=str(found.get("status") or ""),
        description=str(found.get("description") or ""),
    )


def pairs(found: Iterable[Json] | None) -> dict[str, str]:
    """MLflow's list of tags or params as a mapping."""
    return {str(each.get("key")): str(each.get("value") or "") for each in found or ()}


def moment(milliseconds: object) -> datetime | None:
    """MLflow's time, which may be whatever was logged; None where it is none."""
    try:
        return datetime.fromtimestamp(float(str(milliseconds)) / 1000, UTC) if milliseconds else None
    except (ValueError, OverflowError, OSError):
        return None


def _metrics(found: Sequence[Json]) -> dict[str, float]:
    """The last values, as the run has them: NaN and infinity come as words, or as the largest float."""
    return {str(each.get("key")): _number(each.get("value")) for each in found}


def _number(value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        return math.nan
    return math.copysign(math.inf, number) if abs(number) >= sys.float_info.max else number
