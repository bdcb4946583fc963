"""Who can write to the registry cannot get a model served that no allowed key has signed."""

from typing import Any

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from tests.signing import Signer
from tests.stories.simulator import SECOND, Simulation, resting, spec_of

ALICE, BOB, MALLORY = Signer(), Signer(), Signer()
QUICK = {"steps": [{"weight": 50, "duration": "10s"}], "soak": "1m"}
FILES = {"MLmodel": b"flavors: {}\n"}


def wanted(version: str, *signers: Signer) -> Any:
    keys = {"serving": {"verify": {"publicKeys": [each.public for each in signers]}}} if signers else {}
    return spec_of(version, rollout=QUICK, **keys)


def registered(sim: Simulation, version: str, signer: Signer | None) -> None:
    sim.register(version)
    files = {**FILES, "weights": version.encode()}
    sim.registered(version).files.clear()
    sim.registered(version).files.update(signer.signed(files) if signer is not None else files)


def refused(sim: Simulation) -> bool:
    in_sync = next(each for each in sim.status.conditions if each.type == "RegistryInSync")
    return in_sync.reason == reasons.SIGNATURE_NOT_VERIFIED


def test_a_version_that_is_signed_is_promoted() -> None:
    sim = resting(wanted("1"))
    registered(sim, "2", ALICE)
    sim.commit(wanted("2", ALICE))
    sim.settle("2")


def test_no_pod_is_started_of_what_is_signed_by_no_allowed_key() -> None:
    sim = resting(wanted("1"))
    for version, signer in (("2", None), ("3", MALLORY)):
        registered(sim, version, signer)
        sim.commit(wanted(version, ALICE, BOB))
        sim.run(120 * SECOND)
        assert refused(sim), version
        assert sim.champion() == "1"
        assert sim.size("b") == 0
        assert sim.status.challenger is None
    registered(sim, "4", BOB)
    sim.commit(wanted("4", ALICE, BOB))
    sim.settle("4")


def test_the_champion_goes_on_serving_where_its_own_signature_is_asked_for_and_missing() -> None:
    sim = resting(wanted("1"))
    sim.commit(wanted("1", ALICE), "only what is signed")
    sim.run(180 * SECOND)
    assert refused(sim)
    assert sim.champion() == "1"
    assert sim.status.phase is not Phase.REJECTED
    assert sim.clients.failed["1"] == 0
    sim.commit(wanted("1"), "on second thought")
    sim.run(180 * SECOND)
    assert not refused(sim)


def requires(sim: Simulation, *signers: Signer, name: str = "signed") -> None:
    sim.note("a policy requires signatures")
    sim.policies.apply(name, verify={"publicKeys": [each.public for each in signers]})
    sim.run(2 * SECOND)


def test_a_policy_requires_a_signature_that_the_spec_leaves_out() -> None:
    sim = resting(wanted("1"))
    requires(sim, ALICE)
    for version, signer in (("2", None), ("3", MALLORY)):
        registered(sim, version, signer)
        sim.commit(wanted(version))
        sim.run(120 * SECOND)
        assert refused(sim), version
        assert (sim.champion(), sim.size("b")) == ("1", 0)
    registered(sim, "4", ALICE)
    sim.commit(wanted("4"))
    sim.settle("4")
    assert sim.status.champion is not None
    assert ALICE.public.strip().replace("\n", "\\n") in sim.cluster.template_now(sim.md(), sim.status.champion.slot)


def test_a_key_of_the_specs_own_is_no_way_round_a_policy() -> None:
    sim = resting(wanted("1"))
    requires(sim, ALICE, BOB)
    registered(sim, "2", MALLORY)
    sim.commit(wanted("2", MALLORY))
    sim.run(120 * SECOND)
    permitted = next(each for each in sim.status.conditions if each.type == "Permitted")
    assert (permitted.status, permitted.reason) == ("False", reasons.NOT_PERMITTED)
    assert "spec.serving.verify.publicKeys[0]" in permitted.message
    assert (sim.champion(), sim.size("b")) == ("1", 0)
    registered(sim, "3", ALICE)
    sim.commit(wanted("3", BOB), "fewer keys than the policy has")
    sim.run(60 * SECOND)
    assert refused(sim)
    sim.commit(wanted("3", ALICE))
    sim.settle("3")


def test_a_policy_without_keys_lifts_no_other_ones() -> None:
    sim = resting(wanted("1"))
    requires(sim, ALICE)
    sim.policies.apply("webhooks", webhooks={"hosts": ["*"]})
    registered(sim, "2", BOB)
    sim.commit(wanted("2"))
    sim.run(60 * SECOND)
    assert refused(sim)
    requires(sim, BOB, name="another")
    sim.settle("2")


def test_keys_that_a_policy_comes_to_require_change_no_trial_that_is_under_way() -> None:
    sim = resting(wanted("1"))
    registered(sim, "2", ALICE)
    sim.commit(wanted("2"))
    sim.reach(Phase.CANARY)
    began = sim.status.trial
    requires(sim, ALICE)
    sim.restart()
    sim.settle("2")
    assert began is not None
    assert sim.status.history[-1].version == "2"
    assert not sim.status.rejected


def test_a_new_key_of_a_policy_is_tried_as_a_template_of_the_operators_and_the_champion_stays_ready() -> None:
    sim = resting(wanted("1"))
    registered(sim, "2", ALICE)
    sim.commit(wanted("2"))
    sim.settle("2")
    sim.run(10 * SECOND)
    requires(sim, ALICE)
    sim.until(lambda world: world.status.phase is not Phase.STABLE)
    sim.settle("2")
    assert sim.status.champion is not None
    assert ALICE.public.strip().replace("\n", "\\n") in sim.cluster.template_now(sim.md(), sim.status.champion.slot)
