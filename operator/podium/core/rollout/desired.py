"""The desired version, and what is known about it already."""

from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import HistoryEntry, Pinned, Rejection
from podium.core.experiment import named_version
from podium.core.facts import Facts, ModelVersion
from podium.core.fingerprints import fingerprints, same_by_git

# A version that was rolled back for one of these failed a guard, and was neither rejected nor cleared.
OPEN: Final = frozenset({reasons.GUARD_FAILED, reasons.CONSECUTIVE_FAILURES, reasons.CHAMPION_INCONCLUSIVE})


def desired_version(facts: Facts) -> str | None:
    """The desired version, or None while an alias cannot be resolved."""
    desired = facts.observed.registry.desired
    return named_version(facts.spec, facts.status) or (desired.version if desired else None)


def is_desired(facts: Facts, pinned: Pinned) -> bool | None:
    """Whether this is the desired version of the desired model; None while unknown.

    A registry at another address has the same version where it has the same bytes under its name.
    """
    version = desired_version(facts)
    if not pinned.of_model(facts.spec.model.name):
        return False
    if version != pinned.version:
        return None if version is None else False
    if facts.of_source(pinned):
        return True
    found = resolve_desired(facts)
    return None if found is None else found.digest == pinned.digest


def resolve_desired(facts: Facts) -> ModelVersion | None:
    """The desired version with its digest. A former champion is known from the status, without a registry query."""
    if facts.observed.registry.desired is not None:
        return facts.observed.registry.desired
    for entry in reversed(facts.status.history):
        known = entry.version == named_version(facts.spec, facts.status) and facts.of_source(entry)
        if known and entry.outcome == "Promoted":
            return ModelVersion(entry.version, entry.digest)
    return None


def standing_rejection(facts: Facts) -> Rejection | None:
    """The rejection of the desired version, also with the desired template alone, as long as the spec stays the same.

    It is about the bytes under this name: wherever the registry is, those are what lost, as they are what is trusted.
    While the registry does not answer, the digest is not known, and the version alone stands for it: doubt never starts
    a rejected version again.
    """
    version = facts.observed.registry.desired
    number, digest = (version.version, version.digest) if version else (named_version(facts.spec, facts.status), None)
    for lost in (*_of_template(facts), *reversed(facts.status.rejected)):
        if (
            lost.version == number
            and lost.of_model(facts.spec.model.name)
            and digest in {lost.digest, None}
            and fingerprints(facts).stands(lost)
        ):
            return lost
    return None


def _of_template(facts: Facts) -> tuple[Rejection, ...]:
    """The rejections of the template that its pods would be made from."""
    now = facts.observed.template
    if now is None:
        return ()
    return tuple(lost for lost in facts.status.rejected_templates if lost.template.revision == now.revision)


def trusts_template(facts: Facts, pinned: Pinned) -> bool:
    """Whether a former champion's pods may have all traffic at once, for what they would be made from now.

    That is what the champion has, or what Git named when one of both was promoted: a template that differs by the
    operator alone slows no revert down, unless it has lost a trial.
    """
    now, beside = facts.observed.template, facts.status.champion
    if now is None or beside is None or beside.template is None or beside.template.revision == now.revision:
        return True
    if any(fingerprints(facts).stands(lost) for lost in _of_template(facts)):
        return False
    promoted = [entry for entry in facts.status.history if entry.outcome == "Promoted" and _same(entry, pinned)]
    trusted = (beside.template.spec_hash, *(entry.template_spec_hash for entry in promoted))
    return any(same_by_git(known, now.spec_hash) for known in trusted)


def former_champion(facts: Facts, pinned: Pinned) -> HistoryEntry | None:
    """The entry by which this version is trusted: promoted before with this digest, and not rejected since.

    A former champion whose return ended for a circumstance, or another commit, is trusted as before; and so is one that
    lost a trial with another pod template. One that failed a guard is not, where whose fault that was stayed open.
    """
    entries = [entry for entry in facts.status.history if _same(entry, pinned) and not _no_news(entry)]
    return entries[-1] if entries and entries[-1].outcome == "Promoted" else None


def _no_news(entry: HistoryEntry) -> bool:
    still_trusted = entry.previously_promoted and entry.reason not in OPEN
    return entry.outcome in {"RolledBack", "Aborted"} and (still_trusted or entry.template is not None)


def _same(entry: HistoryEntry, pinned: Pinned) -> bool:
    """Whether a decision was about these bytes under this name. A registry that moved holds the same ones."""
    named = entry.model in {pinned.model, ""} or not pinned.model
    return named and (entry.version, entry.digest) == (pinned.version, pinned.digest)
