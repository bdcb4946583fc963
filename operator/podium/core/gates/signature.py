"""The version's signature against the champion's."""

from podium.api.v1alpha1.spec.gates import SignatureGate
from podium.core.facts import Facts, ModelVersion
from podium.core.gates.result import GateResult, failed, no_champion, passed
from podium.core.signature import changes

_TOLD = 5  # changes in a message


def signature(gate: SignatureGate, facts: Facts, version: ModelVersion) -> GateResult:
    """Whether clients of the champion can use the version: it takes no less, and gives no less."""
    champion, pinned = facts.observed.registry.champion, facts.status.champion
    if pinned is None:
        return passed("there is no champion to be compatible with")
    if champion is None:
        return failed(f"signatures cannot be compared: {no_champion(facts)}")
    if version.signature is None:
        return failed(
            f"version {version.version} has no signature. Log it with one: pass signature or input_example to log_model"
        )
    if champion.signature is None:
        return failed(f"version {champion.version}, the champion, has no signature to compare with. Remove the gate")
    found = [words for kind, words in changes(champion.signature, version.signature) if kind not in gate.allow]
    if not found:
        return passed(f"compatible with version {champion.version}")
    more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    told = f"{'; '.join(found[:_TOLD])}{more}"
    return failed(f"version {version.version} is not compatible with version {champion.version}: {told}")
