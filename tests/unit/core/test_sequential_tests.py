"""What the tests remembers, and how the trial's α is shared."""

import pytest

from podium.api.v1alpha1.evidence import Evidence, ReferenceQuantiles
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.status import Trial
from podium.core.analysis.criteria import criteria
from podium.core.analysis.guards import judge
from podium.core.analysis.sequential import Block
from podium.core.analysis.tests import alpha_shares, state_of, update
from tests.stories.simulator import spec_of
from tests.unit.core.factories import NOW

ERRORS = {"name": "errors", "errorRate": {"atMost": "1%"}}
BESIDE = {"name": "beside", "errorRate": {"maxAboveChampion": "0.5%"}}
DRIFT = {"name": "drift", "predictionShift": {"maxShift": "10%"}}


def trial(*guards: object, evidence: Evidence | None = None) -> Trial:
    rollout = spec_of(rollout={"guards": list(guards)}).rollout
    return Trial(
        generation=1,
        started_at=NOW,
        terms_hash="",
        steps=rollout.steps,
        guards=rollout.guards,
        on_inconclusive="Wait",
        step_timeout=rollout.step_timeout,
        soak=rollout.soak,
        evidence=evidence or Evidence(),
    )


def hear(on: Trial, *blocks: Block) -> Trial:
    for block in blocks:
        evidence = update(on, on.evidence, {"errors": block})
        on = on.model_copy(update={"evidence": evidence})
    return on


def test_all_questions_of_all_guards_share_alpha() -> None:
    evidence = Evidence(baselines=[ReferenceQuantiles(guard="drift", edges=(0.4, 0.6), shares=(0.6, 0.4))])
    guards = [Guard.model_validate(one) for one in (ERRORS, BESIDE, DRIFT)]
    given = {share.criterion.name: share.alpha for share in alpha_shares(guards, evidence, alpha=0.01)}
    assert len(given) == 6
    assert sum(given.values()) == pytest.approx(0.01)
    assert given["errors: errors"] == given["beside: errors beside the champion"] == pytest.approx(0.01 / 3)


def test_a_guard_that_waits_for_its_marks_keeps_its_part_of_alpha() -> None:
    guards = [Guard.model_validate(one) for one in (ERRORS, DRIFT)]
    assert [share.alpha for share in alpha_shares(guards, Evidence(), alpha=0.01)] == [0.005]


@pytest.mark.parametrize("guard", [ERRORS, BESIDE])
def test_the_memory_survives_a_restart_word_for_word(guard: object) -> None:
    blocks = [Block(1, 40, 2, 160), Block(0, 38, 1, 150), Block(3, 30, 0, 171)]
    whole = hear(trial(guard), *blocks)
    part = hear(trial(guard), *blocks[:2])
    restarted = hear(Trial.model_validate_json(part.model_dump_json(by_alias=True)), *blocks[2:])
    assert restarted.evidence.tests == whole.evidence.tests
    assert len(whole.evidence.tests[0].state) < 500, "it lives in the status: it has to be small"


def test_the_suspicion_begins_where_the_bad_answers_do() -> None:
    on = hear(trial(ERRORS), Block(0, 5000, 0, 5000), Block(5, 5, 2, 30))
    known = state_of(on.evidence, criteria(on.guards[0], on.evidence)[0])
    assert (known.challenger.answers, known.challenger.bad) == (10, 5)
    assert (known.champion.answers, known.champion.bad) == (32, 2)
    on = hear(on, Block(0, 5000, 0, 5000))
    if judge(on)[0].state != "Failed":
        assert state_of(on.evidence, criteria(on.guards[0], on.evidence)[0]).challenger.answers == 0


def test_what_the_champion_breaks_as_well_is_the_environments_fault() -> None:
    both = judge(hear(trial(ERRORS), Block(0, 500, 0, 1500), Block(10, 10, 30, 30)))[0]
    alone = judge(hear(trial(ERRORS), Block(0, 500, 0, 1500), Block(10, 10, 0, 60)))[0]
    assert (both.state, both.everywhere) == ("Failed", True)
    assert (alone.state, alone.everywhere) == ("Failed", False)


def test_an_outage_of_the_champion_that_is_long_over_excuses_nobody() -> None:
    quiet = [Block(0, 200, 0, 600)] * 10
    found = judge(hear(trial(ERRORS), Block(0, 5, 60, 60), *quiet, Block(10, 10, 0, 60)))[0]
    assert (found.state, found.everywhere) == ("Failed", False)


def test_worse_than_the_champion_is_never_the_environments_fault() -> None:
    blocks = [Block(8, 12, 5, 55)] * 10
    found = judge(hear(trial(BESIDE), *blocks))[0]
    assert (found.state, found.everywhere) == ("Failed", False)
