"""Rows are counted by the bins of the training profile, a bounded number of them, and no prediction fails by it."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.types import ColSpec, Schema
from prometheus_client.parser import text_string_to_metric_families

from podium.core.drift.profile import FILE, LARGEST, FeatureProfile, Profile
from podium.profile import profile_of
from podium.runtime.http import drift_page
from podium.runtime.identity import Identity
from podium.runtime.prediction.sketch import AT_ONCE, RATE, Sketch

AGE = FeatureProfile("age", (10, 10, 10, 0), edges=(30.0, 50.0))
PLAN = FeatureProfile("plan", (20, 10, 0, 0), categories=("basic", "true"))
PREDICTED = FeatureProfile("predictions", (15, 15, 0), edges=(0.5,))
PROFILE = Profile((AGE, PLAN), PREDICTED)


class Clock:
    """A time that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def sketch(profile: Profile = PROFILE, clock: Clock | None = None) -> Sketch:
    return Sketch(profile, ["sex", "age", "plan"], clock or Clock())


def test_rows_of_the_plan_are_counted_by_bin() -> None:
    """An edge belongs to the bin below it."""
    seen = sketch()
    rows = [["f", 30, "basic"], ["m", 30.5, "pro"], ["m", 99.0, "basic"], ["f", 50.0, "true"]]
    seen.add_rows(rows, np.array([0.1, 0.5, 0.6, np.nan]))
    assert seen.counts() == {"age": [1, 2, 1, 0], "plan": [2, 1, 1, 0], "predictions": [2, 1, 1]}


@pytest.mark.parametrize(
    "data",
    [
        [{"age": 20, "plan": "basic"}, {"plan": None}, {"age": "old", "plan": True}],
        {"age": [20, None, "old"], "plan": ["basic", float("nan"), True], "sex": "unknown"},
        pd.DataFrame({"age": [20, pd.NA, "old"], "plan": ["basic", None, True]}),
    ],
)
def test_what_the_plan_could_not_express_is_counted_too(data: Any) -> None:
    """A cell that is no number is as good as missing."""
    seen = sketch()
    seen.add_query(data, [0.1, 0.2, 0.9])
    assert seen.counts() == {"age": [1, 0, 0, 2], "plan": [1, 1, 0, 1], "predictions": [2, 1, 0]}


@pytest.mark.parametrize("data", [None, "text", [["a"]], {"other": [1]}, {"messages": [{"role": "user"}]}, object(), 3])
def test_what_has_no_rows_of_the_profile_is_not_counted(data: Any) -> None:
    seen = sketch()
    seen.add_query(data, object())
    assert seen.counts() == {"age": [0] * 4, "plan": [0] * 4, "predictions": [0] * 3}


def test_rows_that_cannot_be_counted_fail_nothing(caplog: pytest.LogCaptureFixture) -> None:
    seen = sketch()
    seen.add_rows([["f", 30, "basic"], ["f"]], object())
    assert seen.counts()["age"] == [0] * 4
    assert "rows were not counted" in caplog.text
    seen.add_rows([["f", 10**400, "basic"]], None)
    assert seen.counts()["age"] == [0, 0, 0, 1]


def test_a_hundred_rows_a_second_are_counted_and_no_more() -> None:
    clock = Clock()
    seen = sketch(clock=clock)
    for tick in range(10_000):  # ten seconds at 1,000 a second
        clock.now = tick / 1000
        seen.add_rows([["f", 20, "basic"]], np.array([0.0]))
    assert sum(seen.counts()["age"]) == pytest.approx(AT_ONCE + 10 * RATE, abs=2)
    assert sum(seen.counts()["predictions"]) == sum(seen.counts()["age"])


def test_of_a_large_call_rows_from_all_over_it_are_counted() -> None:
    seen = sketch()
    seen.add_rows([["f", 20 if place < 5000 else 60, "basic"] for place in range(10_000)], np.zeros(10_000))
    low, _, high, _ = seen.counts()["age"]
    assert low == pytest.approx(high, abs=1)
    assert AT_ONCE / 2 < low + high <= AT_ONCE


def test_a_numbers_bins_are_those_of_the_profile() -> None:
    """The same rows, profiled and counted, have the same shares."""
    chance = np.random.default_rng(1)
    table = pd.DataFrame({"a": chance.poisson(3, 1000).astype(float), "b": chance.choice(["x", "y"], 1000)})
    table.loc[::10, "a"] = np.nan
    profile = profile_of(table, {"a": "number", "b": "category"})
    seen = Sketch(profile, ["a", "b"], clock := Clock())
    for start in range(0, 1000, 100):
        clock.now += 10
        seen.add_rows(table[start : start + 100].to_numpy(dtype=object).tolist(), None)
    for each in profile.features:
        found = seen.counts()[each.name]
        assert sum(found) == 1000
        assert np.array(found) / 1000 == pytest.approx(np.array(each.counts) / sum(each.counts), abs=0.05)


def test_many_threads_lose_no_row() -> None:
    seen, clock = sketch(), Clock()
    seen = sketch(clock=clock)

    def ask() -> None:
        for _ in range(60):
            seen.add_rows([["f", 20, "basic"]], np.array([0.0]))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(seen.counts()["age"]) == 240


def test_a_feature_that_is_no_input_is_left_out() -> None:
    seen = Sketch(PROFILE, ["age"], Clock())
    seen.add_rows([[20]], np.array([0.9]))
    assert seen.counts() == {"age": [1, 0, 0, 0], "predictions": [0, 1, 0]}


def test_the_profile_comes_from_the_models_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    inputs = Schema([ColSpec("double", "age"), ColSpec("string", "plan")])
    assert Sketch.of(tmp_path, inputs) is None
    assert "podium.profile.log makes it" in caplog.text
    for wrong in (b"{}", b"\xff", b" " * (LARGEST + 1)):
        (tmp_path / FILE).write_bytes(wrong)
        assert Sketch.of(tmp_path, inputs) is None
    (tmp_path / FILE).write_text(PROFILE.text)
    found = Sketch.of(tmp_path, inputs)
    assert found is not None
    found.add_rows([[20.0, "basic"]], None)
    assert found.counts() == {"age": [1, 0, 0, 0], "plan": [1, 0, 0, 0], "predictions": [0, 0, 0]}
    unnamed = Sketch.of(tmp_path, None)
    assert unnamed is not None
    assert unnamed.counts() == {"predictions": [0, 0, 0]}


def test_the_page_is_what_prometheus_reads() -> None:
    who, seen = Identity('a "quoted"', "7", "r", "sha256:77"), sketch()
    seen.add_rows([["f", 20, "basic"]], np.array([0.9]))
    families = {each.name: each for each in text_string_to_metric_families(drift_page.render(who, seen).decode())}
    (profile,) = families["podium_drift_profile"].samples
    assert (profile.value, profile.labels["digest"], profile.labels["model"]) == (1.0, "sha256:77", 'a "quoted"')
    rows = families["podium_drift_rows"].samples
    assert [each.value for each in rows if each.labels["feature"] == "age"] == [1.0, 0.0, 0.0, 0.0]
    reference = families["podium_drift_reference_rows"].samples
    assert [(each.labels["bin"], each.value) for each in reference if each.labels["feature"] == "plan"] == [
        ("0", 20.0),
        ("1", 10.0),
        ("2", 0.0),
        ("3", 0.0),
    ]
    (none,) = text_string_to_metric_families(drift_page.render(who, None).decode())
    assert none.samples[0].value == 0.0
