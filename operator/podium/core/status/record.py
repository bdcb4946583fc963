"""The decision record in the registry: the tags of each decision."""

import hashlib
import json
from collections.abc import Mapping

from podium.api.v1alpha1.status import HistoryEntry, Status
from podium.api.v1alpha1.values.base import format_time
from podium.core.facts import Facts, Key
from podium.core.status.looks import until

PREFIX = "podium.dev/"
LONGEST_KEY = 250  # characters of a tag's key in MLflow
_MARK = 12  # characters of a hash that tells long ones apart
LONGEST = 500  # MLflow keeps 5,000 characters; no person reads as many


def unrecorded(status: Status) -> list[HistoryEntry]:
    """The newest decision about each version, where the registry is not yet known to have it."""
    decided = filter(is_recorded, status.history)
    newest = {(entry.model, entry.version): entry for entry in decided}
    return [entry for entry in newest.values() if not entry.recorded]


def is_recorded(entry: HistoryEntry) -> bool:
    """Whether the registry takes a record of it. A pod template is none of the registry's business."""
    return entry.outcome != "RolledBack" and entry.template is None


def tags_for(entry: HistoryEntry, facts: Facts) -> Mapping[str, str]:
    """When, why and by which generation of which ModelDeployment a version was promoted or rejected."""
    return {
        tag_key(facts, "decision"): entry.outcome.lower(),
        tag_key(facts, "decided-at"): format_time(entry.at),
        tag_key(facts, "reason"): entry.reason,
        tag_key(facts, "message"): entry.message[:LONGEST],
        tag_key(facts, "decided-by"): f"{facts.key} generation {entry.generation}",
    }


def tag_key(facts: Facts, what: str) -> str:
    """The key of a decision's tag. Each ModelDeployment has its own: several decide on one version."""
    owner = facts.observed.alias_owner or str(facts.key)
    room = LONGEST_KEY - len(PREFIX) - len(what) - 1
    if len(owner) > room:
        owner = f"{owner[: room - _MARK - 1]}-{hashlib.sha256(owner.encode()).hexdigest()[:_MARK]}"
    return f"{PREFIX}{owner}/{what}"


def tag_of(tags: Mapping[str, str], key: Key, what: str) -> str:
    """What a version's tags say of the decision of this ModelDeployment, of whichever cluster; "" where nothing."""
    ending = f"/{key}/{what}"
    return next((value for name, value in tags.items() if name.startswith(PREFIX) and name.endswith(ending)), "")


def artifact_path(entry: HistoryEntry) -> str:
    """Where in its run's artifacts the record of a decision is kept: a name of its own for each decision."""
    return f"podium/{entry.at:%Y%m%dT%H%M%S}Z-{entry.outcome.lower()}.json"


def document(entry: HistoryEntry, facts: Facts) -> str:
    """The whole record of a decision: counts, limits, verdicts, times and versions, as JSON.

    While its trial is in the status, also what was seen of that over time, up to the decision.
    """
    kept = entry.model_dump(mode="json", by_alias=True, exclude={"recorded", "model"})
    decided = {
        "decidedBy": str(facts.key),
        "model": entry.model or facts.spec.model.name,
        **kept,
        **_trial(entry, facts),
    }
    return json.dumps(decided, indent=2, ensure_ascii=False)


def _trial(entry: HistoryEntry, facts: Facts) -> Mapping[str, object]:
    trial, subject = facts.status.trial, facts.subject
    if trial is None or subject is None or (subject.version, subject.digest) != (entry.version, entry.digest):
        return {}
    looks = until(trial.looks, (entry.at - trial.started_at).total_seconds())
    return {
        "trial": {"startedAt": format_time(trial.started_at), "looks": looks.model_dump(mode="json", by_alias=True)}
    }
