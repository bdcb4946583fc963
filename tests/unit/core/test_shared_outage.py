"""The wait for a champion that recovers: what ends it."""

from dataclasses import replace

from podium.api.v1alpha1.outage import SharedOutage
from podium.api.v1alpha1.status import Phase
from podium.core.analysis.shared_outage import ANSWERS
from podium.core.decide import decide
from podium.core.facts import Facts, ModelVersion, ObservedState, RegistryState
from podium.core.fingerprints import spec_hash
from tests.unit.core.factories import NOW, facts, pinned


def held_up(desired: ModelVersion | None) -> Facts:
    """Version 2, which the alias named, was rolled back in a shared outage; this is what the alias names now."""
    seen = facts(champion=pinned("1"), model={"name": "churn", "alias": "next"})
    outage = SharedOutage(since=NOW, message="both fail", version="2", digest="sha256:2", guards=[ANSWERS])
    outage = outage.model_copy(update={"spec_hash": spec_hash(seen.spec)})
    observed = ObservedState(registry=RegistryState(desired=desired))
    return replace(seen, status=seen.status.model_copy(update={"shared_outage": outage}), observed=observed)


def test_the_version_of_a_shared_outage_waits_for_the_champion() -> None:
    assert decide(held_up(ModelVersion("2", "sha256:2"))).status.phase is Phase.PENDING


def test_an_alias_that_moves_to_a_fixed_version_in_a_shared_outage_is_tried() -> None:
    status = decide(held_up(ModelVersion("3", "sha256:3"))).status
    assert status.phase is Phase.GATING
    assert status.shared_outage is None


def test_a_registry_that_is_silent_ends_no_shared_outage() -> None:
    assert decide(held_up(None)).status.shared_outage is not None
