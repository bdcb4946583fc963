"""What the pods of a version say of drift, together, and how far each feature is from its profile in one look."""

from random import Random

from podium.core.drift.comparison import compare
from podium.core.drift.reports import DriftReport, ReferenceCounts, agreed, references, together

AGE = ReferenceCounts((1000, 1000, 0), ordered=True)


def test_pods_agree_on_a_profile_or_there_is_none() -> None:
    one = DriftReport({"age": AGE}, {})
    assert agreed([one, one]) == {"age": AGE}
    assert agreed([]) is None
    assert agreed([one, DriftReport({}, {})]) is None
    assert not DriftReport({}, {}).has_profile
    assert agreed([DriftReport({"age": ReferenceCounts((1,), ordered=True)}, {})]) is None


def test_a_profile_of_pods_is_what_blocks_are_compared_with() -> None:
    number, names = references({"age": AGE, "plan": ReferenceCounts((3, 1), ordered=False)})
    assert (number.ordered, names.ordered) == (2, 0)
    assert number.alpha == names.alpha == 0.005


def test_counts_of_pods_are_added_and_other_bins_are_left_out() -> None:
    assert together([{"age": (1, 2, 0)}, {"age": (3, 4, 5), "plan": (1, 1)}, {"age": (9, 9)}]) == {
        "age": [4, 6, 5],
        "plan": [1, 1],
    }


def test_what_chance_and_tolerance_explain_is_not_called_drifted() -> None:
    """Of 200 looks at traffic as in training, at most a few; the bound is two."""
    random, wrong = Random(1), 0
    profile = {name: ReferenceCounts((*[2000] * 10, 0), ordered=True) for name in ("a", "b", "c")}
    for _ in range(200):
        counts = {name: [0] * 11 for name in profile}
        for name in profile:
            for place in random.choices(range(10), k=500):
                counts[name][place] += 1
        wrong += any(one.drifted for one in compare(profile, counts))
    assert wrong <= 2


def test_the_most_drifted_comes_first_with_the_bin_that_changed_most() -> None:
    profile = {"age": AGE, "plan": ReferenceCounts((600, 400, 0, 0), ordered=False)}
    plan, age = compare(profile, {"age": [500, 500, 0], "plan": [400, 100, 0, 500]})
    assert (plan.name, plan.drifted, plan.bins[plan.largest_change]) == ("plan", True, "missing")
    assert (age.name, age.drifted) == ("age", False)
    assert age.stability_index < 0.01


def test_a_feature_that_was_never_asked_has_not_drifted() -> None:
    (age,) = compare({"age": AGE}, {})
    assert (age.rows, age.stability_index, age.drifted, age.shares) == (0, 0.0, False, (0.0, 0.0, 0.0))
    assert compare({}, {}) == []
