"""Walks are drawn as their seed says, and what they look for is seen."""

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any

import pytest

from bench.cluster.subject import model_deployment
from bench.walks.__main__ import summary
from bench.walks.changes import CHANGES, MEND, NO_IMAGE, ill
from bench.walks.draft import Draft, base, put
from bench.walks.ground import MISSING, Ground
from bench.walks.mistakes import MISTAKES, Mistake
from bench.walks.outcome import End, Wish, blamed, end, faults, final, known_reasons
from bench.walks.steps import LEAD, steps
from bench.walks.walker import Tally
from demo.rollout import Seen
from podium.cli.problems import problems

GROUND = Ground("churn", "fraud", "walk-0", 31010)
WISH = Wish(3, "churn", "2")


def refused(spec: Mapping[str, Any]) -> bool:
    return bool(list(problems(model_deployment(spec))))


def seen(ready: str, reason: str = "Progressing", champion: str = "2", **more: Any) -> Seen:
    """The status of generation 3 with this Ready; Reconciling is True where it and Stalled are not."""
    stalled = more.pop("stalled", "False")
    reconciling = str("True" not in {ready, stalled})
    conditions = [
        {"type": kind, "status": status, "reason": said, "message": ""}
        for kind, status, said in (
            ("Ready", ready, reason),
            ("Reconciling", reconciling, "Progressing"),
            ("Stalled", stalled, "AsExpected"),
        )
    ]
    status: dict[str, Any] = {
        "observedGeneration": 3,
        "champion": {"model": "churn", "version": champion},
        "conditions": conditions,
    }
    status.update(more)
    return Seen(3, status)


# --- the generator ----------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_walk_and_another_one_another() -> None:
    first, again, other = (list(islice(steps(GROUND, seed), 50)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("seed", range(10))
def test_a_step_is_refused_offline_just_where_the_walk_says_that_the_server_must(seed: int) -> None:
    for step in islice(steps(GROUND, seed), 60):
        assert refused(step.spec) == step.refused, (step.kind, step.spec)


@pytest.mark.parametrize(
    "mistake", [each for kind in MISTAKES for each in kind], ids=lambda it: f"{it.path}-{it.value}"
)
def test_each_mistake_alone_is_refused(mistake: Mistake) -> None:
    assert refused(put(base(GROUND), mistake.path, mistake.value))


def test_all_kinds_are_drawn_and_a_quarter_is_invalid() -> None:
    drawn = Counter(kind for step in islice(steps(GROUND, 1), 2000) for kind in step.kind.split("+"))
    invalid = {each.kind for kind in MISTAKES for each in kind}
    assert set(drawn) == {"first", MEND.kind, *(change.kind for change in CHANGES), *invalid}
    assert 400 < sum(drawn[kind] for kind in invalid) < 600


def test_a_walk_does_not_stay_where_nothing_works() -> None:
    """Every second step of a walk or more has nothing in its way."""
    walk = list(islice(steps(GROUND, 1), 2000))
    assert sum(ill(step.draft) for step in walk) < 1000


def test_some_steps_are_two_commits_of_which_the_second_comes_in_the_middle_of_the_first() -> None:
    hurried = [step for step in islice(steps(GROUND, 1), 2000) if step.first is not None]
    assert 300 < len(hurried) < 600
    assert all(step.draft.former[: len(step.first.former)] == step.first.former for step in hurried if step.first)
    assert {0 <= step.lead <= LEAD for step in hurried} == {True}
    assert not any(refused(step.first.spec) for step in hurried[:50] if step.first)


def test_a_refused_step_leaves_what_is_desired_as_it_was() -> None:
    before = None
    for step in islice(steps(GROUND, 1), 200):
        if step.refused:
            assert step.draft is before
        before = step.draft


def test_what_is_desired_is_what_git_and_the_registry_say_together() -> None:
    draft = Draft(GROUND, base(GROUND), alias="3")
    assert (draft.model, draft.version, draft.follows) == ("churn", "1", False)
    following = draft.put(("model",), {"name": "churn", "alias": GROUND.followed})
    assert (following.version, following.follows) == ("3", True)
    assert draft.put(("model",), {"name": "churn", "alias": "nowhere"}).version == ""
    assert ill(draft.put(("serving", "image"), NO_IMAGE))
    assert "image" not in draft.spec["serving"]


# --- how a step ends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (seen("True", "Serving"), End("ready", "Serving")),
        (seen("True", "Serving", champion="1"), None),
        (seen("Unknown"), None),
        (seen("False", "VersionRejected", stalled="True"), End("stalled", "VersionRejected")),
        (seen("False", "ImageUnavailable"), End("stalled", "ImageUnavailable")),
        (seen("True", "Serving", observedGeneration=2), None),
        (Seen(3, {}), None),
        (Seen(2, seen("True", "Serving", observedGeneration=2).status), None),
    ],
)
def test_a_step_has_ended_where_the_status_of_its_generation_says_so(found: Seen, expected: End | None) -> None:
    assert end(found, WISH) == expected


def test_a_pause_ends_a_step_only_where_the_spec_asks_for_it() -> None:
    assert end(seen("Unknown", "Paused"), WISH) is None
    paused = Wish(3, "churn", "2", paused=True)
    assert end(seen("Unknown", "Paused"), paused) == End("paused", "Paused")
    assert end(seen("Unknown", "Progressing"), paused) is None


@pytest.mark.parametrize(
    ("version", "image", "expected"),
    [("2", None, True), ("4", None, False), ("99", None, False), ("2", NO_IMAGE, False)],
)
def test_a_version_that_works_must_not_be_rejected(version: str, image: str | None, expected: bool) -> None:
    draft = Draft(GROUND, base(GROUND)).put(("model", "version"), version).put(("serving", "image"), image)
    assert blamed(End("stalled", "VersionRejected"), draft) == expected
    assert not blamed(End("stalled", "PodsRefused"), draft)


def test_an_end_is_final_where_nothing_goes_on_by_itself() -> None:
    assert final(seen("True", "Serving"))
    assert final(seen("False", "VersionRejected", stalled="True"))
    assert not final(seen("False", "ImageUnavailable"))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (seen("True", "Serving", champion="1"), "Ready is True with champion churn/1; Git names churn/2"),
        (seen("Unknown", "OutOfLuck"), "has the reason OutOfLuck, which docs/reasons/reasons.yaml does not have"),
        (seen("True", "Serving", stalled="True"), "found Ready, Stalled"),
    ],
)
def test_a_status_that_lies_is_told(found: Seen, expected: str) -> None:
    (fault,) = faults(found, WISH, known_reasons())
    assert expected in fault


def test_a_true_status_and_one_of_an_older_generation_have_no_faults() -> None:
    assert list(faults(seen("True", "Serving"), WISH, known_reasons())) == []
    assert list(faults(seen("True", "Serving", champion="1"), Wish(4, "churn", "2"), known_reasons())) == []


def test_a_version_that_is_not_there_is_never_ready() -> None:
    assert end(seen("True", "Serving"), Wish(3, "churn", MISSING)) is None
    assert list(faults(seen("True", "Serving"), Wish(3, "churn", MISSING), known_reasons()))


def test_the_summary_counts_every_step_and_keeps_what_was_violated() -> None:
    one = Tally(Counter(ready=2, refused=1), Counter(Serving=2, Invalid=1), [], requests=10)
    other = Tally(Counter(unended=1), Counter(), ["no end"], requests=5, own_failures=1)
    found = summary([one, other])
    assert (found["steps"], found["ready"], found["refused"], found["unended"]) == (4, 2, 1, 1)
    assert (found["violations"], found["found"]) == (1, ["no end"])
    assert (found["requests"], found["own_failures"]) == (15, 1)
