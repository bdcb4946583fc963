"""A version that answers NaN where no signature promises a number: its model server counts them above all edges."""

import math

from podium.api.v1alpha1.status import Phase
from tests.stories.test_stories import MINUTE, QUICK, serving, wants

DRIFT = {"name": "drift", "predictionShift": {"maxShift": "10%"}}


def test_a_version_that_answers_nothing_else_than_nan_is_rejected_where_predictions_are_compared() -> None:
    sim = serving()
    sim.run(MINUTE)
    sim.register("2", shift=math.inf)
    wants(sim, "2", {**QUICK, "guards": [DRIFT]})
    sim.reach(Phase.REJECTED)
    assert sim.status.rejected[0].version == "2"
