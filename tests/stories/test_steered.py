"""What the verbs write, carried out: a word that is left over carries no other model, and hits no other version."""

from typing import Any

import pytest

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.steering import verdicts
from podium.steering.change import CannotSteer, Plan, Target, checked, merged
from podium.steering.model_versions import to_version
from tests.stories.simulator import SECOND, Simulation
from tests.stories.test_abort import QUICK, serving
from tests.stories.test_rollback_now import SLOW, second_champion


class Steered:
    """A simulated world in which the spec changes by verbs."""

    def __init__(self, sim: Simulation, spec: dict[str, Any]) -> None:
        self.sim = sim
        self.spec = spec

    def commit(self, **parts: Any) -> None:
        self.spec = merged(self.spec, parts)
        self.sim.commit(Spec.model_validate(self.spec), "Git")

    def verb(self, plan: Plan) -> str:
        about = Target("churn", "ml", Spec.model_validate(self.spec), self.sim.status, self.spec, "bob")
        change = checked(plan, about)
        self.commit(**change.patch)
        return change.done


def test_what_rollback_now_said_does_not_promote_another_model_of_the_same_number() -> None:
    """Weeks later, Git named version 1 of fraud: it skipped its steps of an hour."""
    here = Steered(second_champion(), {"model": {"name": "churn", "version": "2"}, "serving": {"replicas": 2}})
    here.commit(rollout=SLOW)
    here.verb(lambda about: verdicts.rollback(None, None, about, now=True))
    here.sim.settle("1")
    here.sim.registry.publish("fraud", metrics={"auc": 0.9})
    here.commit(model={"name": "fraud", "version": "1"})
    here.sim.reach(Phase.CANARY)
    here.sim.run(60 * SECOND)
    assert here.sim.status.phase is Phase.CANARY
    assert not any("skipped" in line for line in here.sim.log[-5:])


def test_an_abort_keeps_no_other_model_of_the_same_number_out() -> None:
    here = Steered(serving(), {"model": {"name": "churn", "version": "1"}, "rollout": QUICK})
    here.verb(lambda about: to_version(about, "2"))
    here.sim.reach(Phase.CANARY)
    here.verb(lambda about: verdicts.abort(None, None, "wrong", about))
    here.sim.reach(Phase.ABORTED)
    for _ in range(2):
        here.sim.registry.publish("fraud", metrics={"auc": 0.9})
    here.commit(model={"name": "fraud", "version": "2"})
    here.sim.reach(Phase.CANARY)


def test_the_abort_that_follows_another_version_at_once_is_not_of_the_one_before() -> None:
    """Version 3 was named while 2 was on trial: the abort was of 2, said so, and 3 was promoted."""
    here = Steered(serving(), {"model": {"name": "churn", "version": "1"}, "rollout": QUICK})
    here.sim.register("3")
    here.verb(lambda about: to_version(about, "2"))
    here.sim.reach(Phase.CANARY, at_once=True)
    here.verb(lambda about: to_version(about, "3"))
    with pytest.raises(CannotSteer, match=r"spec\.model\.version is 3, and the status is about version 2"):
        here.verb(lambda about: verdicts.abort(None, None, "wrong", about))
    assert here.verb(lambda about: verdicts.abort("3", None, "wrong", about)) == "version 3 of churn is aborted"
    here.sim.run(120 * SECOND)
    assert (here.sim.status.phase, here.sim.champion()) == (Phase.ABORTED, "1")


def test_what_rollback_now_said_does_not_skip_the_steps_of_a_later_return_with_another_template() -> None:
    """Weeks later, when another version has served, and Git names the first one with another environment."""
    here = Steered(second_champion(), {"model": {"name": "churn", "version": "2"}, "serving": {"replicas": 2}})
    here.commit(rollout=SLOW)
    here.verb(lambda about: verdicts.rollback(None, None, about, now=True))
    here.sim.settle("1")
    here.commit(rollout=QUICK)
    here.verb(lambda about: to_version(about, "3"))
    here.sim.settle("3")
    loud = {"replicas": 2, "env": [{"name": "LEVEL", "value": "debug"}]}
    here.commit(model={"version": "1"}, serving=loud, rollout=SLOW)
    here.sim.reach(Phase.CANARY)
    here.sim.run(60 * SECOND)
    assert here.sim.status.phase is Phase.CANARY
