"""What the version is for those who call the champion: a patch, a minor or a major change."""

from podium.api.v1alpha1.spec.gates import SemverGate
from podium.core.facts import Facts, ModelVersion
from podium.core.gates.result import GateResult, failed, no_champion, passed
from podium.core.semantic_versions import TAG, Difference, SemanticVersion, Step, difference

_TOLD = 5  # changes in a message


def semver(gate: SemverGate, facts: Facts, version: ModelVersion) -> GateResult:
    """Whether the version is no larger a step than allowed, by its signature and by its own number."""
    champion, pinned = facts.observed.registry.champion, facts.status.champion
    if pinned is None:
        return passed("there is no champion whose callers it could break")
    if champion is None:
        return failed(f"signatures cannot be compared: {no_champion(facts)}")
    without = [each.version for each in (champion, version) if each.signature is None]
    if champion.signature is None or version.signature is None:
        return failed(
            f"no signature, of version {' and version '.join(without)}. Log it with one: pass signature or "
            "input_example to log_model; where it is the champion that has none, remove the gate"
        )
    found = difference(champion.signature, version.signature)
    return _by_number(gate, found, champion, version)


def _by_number(gate: SemverGate, found: Difference, champion: ModelVersion, version: ModelVersion) -> GateResult:
    allowed, named = Step.named(gate.at_most), f"version {version.version}"
    after = f"of version {champion.version}, the champion"
    why = f": {'; '.join(found.words[:_TOLD])}" if found.words else ""
    if found.step > allowed:
        return failed(f"{named} is a {found.step} change {after}{why}; allowed: at most {allowed}")
    was, now = (SemanticVersion.parsed(each.tags.get(TAG, "")) for each in (champion, version))
    if was is None or now is None or champion.version == version.version:
        return passed(f"{named} is a {found.step} change {after}{why}")
    claimed = was.step_to(now)
    if claimed is None or claimed < found.step:
        return failed(
            f"tag {TAG} of {named} is {now}, after {was} {after}; required: a {found.step} step at least{why}. Do: "
            f"podium models semver MODEL {version.version} {was.next(found.step)}"
        )
    if claimed > allowed:
        return failed(
            f"tag {TAG} of {named} is {now}, a {claimed} step after {was} {after}; allowed: at most {allowed}"
        )
    return passed(f"{named} is {now}, a {claimed} step after {was} {after}{why}")
