"""What the model server writes of drift is what the operator reads; what contradicts itself is nothing."""

import numpy as np
import pytest

from podium.adapters.metrics.drift import drift_report
from podium.core.drift.reports import ReferenceCounts
from podium.runtime.http import drift_page
from podium.runtime.identity import Identity
from podium.runtime.prediction.sketch import Sketch
from tests.unit.runtime.test_sketch import PROFILE

WHO = Identity('a "quoted"\\name\n{},', "7", "r", "sha256:77")


def test_the_counts_and_the_profile_arrive() -> None:
    sketch = Sketch(PROFILE, ["age", "plan"])
    sketch.add_rows([[20, "basic"], [60, "pro"]], np.array([0.9, 0.1]))
    report = drift_report(drift_page.render(WHO, sketch).decode())
    assert report is not None
    assert report.reference["age"] == ReferenceCounts((10, 10, 10, 0), ordered=True)
    assert report.reference["plan"] == ReferenceCounts((20, 10, 0, 0), ordered=False)
    assert report.counts == {"age": (1, 0, 1, 0), "plan": (1, 0, 1, 0), "predictions": (1, 1, 0)}


def test_what_is_no_input_of_the_model_is_no_reference() -> None:
    report = drift_report(drift_page.render(WHO, Sketch(PROFILE, ["age"])).decode())
    assert report is not None
    assert set(report.reference) == {"age", "predictions"}


def test_a_server_without_a_profile_says_so() -> None:
    report = drift_report(drift_page.render(WHO, None).decode())
    assert report is not None
    assert not report.has_profile


def page(*lines: str) -> str:
    return "\n".join(["podium_drift_profile{} 1", *lines])


ROW = 'podium_drift_rows_total{{feature="a",kind="{}",bin="{}"}} {}'
REFERENCE = 'podium_drift_reference_rows{{feature="a",kind="number",bin="{}"}} 5'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "podium_drift_profile{} 1\npodium_drift_profile{} 1",
        page(ROW.format("number", 0, 1)),
        page(REFERENCE.format(0), REFERENCE.format(1), ROW.format("number", 0, 1)),
        page(REFERENCE.format(0), ROW.format("number", 1, 1)),
        page(REFERENCE.format(0), ROW.format("number", 0, "NaN")),
        page(REFERENCE.format(0), ROW.format("number", 0, -1)),
        page(REFERENCE.format(0), ROW.format("word", 0, 1)),
        page(REFERENCE.format(0), REFERENCE.format(1), ROW.format("number", 0, 1), ROW.format("category", 1, 1)),
        page(*[REFERENCE.format(place) for place in range(40)]),
        page("podium_drift_rows_total{} 1"),
    ],
)
def test_a_page_that_contradicts_itself_is_none(text: str) -> None:
    assert drift_report(text) is None
