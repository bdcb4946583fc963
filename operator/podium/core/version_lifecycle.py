"""The life of a registered version, as a table: which stages there are, and which move leads to which.

    created → trained → validated → (staging) → champion → deprecated → archived

A stage is kept as a tag on the version, beside what the registry says by itself: the version to which the champion's
alias points is champion whatever a tag says, and one that was champion and is it no longer is deprecated. So two tags
can never name two champions.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

TAG: Final = "podium.dev/lifecycle"
_DECISION: Final = "podium.dev/decision"  # that the operator writes on what it decided
_PROMOTED: Final = "promoted"


class Stage(StrEnum):
    """Where a version is in its life."""

    CREATED = "created"  # registered, and no run says how it was made
    TRAINED = "trained"  # made by a run
    VALIDATED = "validated"  # found fit, by a person or a program
    STAGING = "staging"  # tried somewhere before production
    CHAMPION = "champion"  # the champion's alias points to it
    DEPRECATED = "deprecated"  # was champion; may come back
    ARCHIVED = "archived"  # for good: its artifacts may be removed


# Where each stage may lead. Any stage before the champion's may be given up; nothing leads out of the archive, for what
# is there may have lost its files. The champion is left by promoting another version, never by a word about itself.
MOVES: Final[Mapping[Stage, tuple[Stage, ...]]] = {
    Stage.CREATED: (Stage.TRAINED, Stage.ARCHIVED),
    Stage.TRAINED: (Stage.VALIDATED, Stage.ARCHIVED),
    Stage.VALIDATED: (Stage.STAGING, Stage.CHAMPION, Stage.ARCHIVED),
    Stage.STAGING: (Stage.CHAMPION, Stage.VALIDATED, Stage.ARCHIVED),
    Stage.CHAMPION: (),
    Stage.DEPRECATED: (Stage.CHAMPION, Stage.ARCHIVED),
    Stage.ARCHIVED: (),
}


def stage_of(tags: Mapping[str, str], *, champion: bool, run: bool) -> Stage:
    """The stage of a version with these tags; whether the champion's alias points to it, and whether a run made it."""
    if champion:
        return Stage.CHAMPION
    tagged = tags.get(TAG, "").strip().lower()
    if tagged == Stage.CHAMPION or (not tagged and tags.get(_DECISION) == _PROMOTED):
        return Stage.DEPRECATED
    untagged = Stage.TRAINED if run else Stage.CREATED
    return next((stage for stage in Stage if stage == tagged), untagged)


def refusal(version: str, there: Stage, to: Stage) -> str:
    """Why a version may not move there, with the moves that it may make; "" where it may."""
    if to in MOVES[there]:
        return ""
    if there is to:
        return f"version {version} is {there} already"
    legal = _listed(MOVES[there]) or "none"
    return f"version {version} is {there}, and may not become {to}; its legal moves: {legal}.{_ADVICE.get(there, '')}"


_ADVICE: Final[Mapping[Stage, str]] = {
    Stage.CHAMPION: " Promote another version: this one is deprecated then",
    Stage.ARCHIVED: " Register it again: a version that is archived may have lost its files",
}


def _listed(stages: Iterable[Stage]) -> str:
    return ", ".join(stages)
