"""A trial over time: what is drawn of it, and the words for who does not see it."""

from dataclasses import replace
from typing import Any

from bench.page.fleets import kinds, placed
from podium.core.status.explained import Explanation
from podium.core.status.explanation import explanation
from podium.dashboard.charts import charts
from podium.dashboard.deployment_page import deployment_page
from podium.dashboard.drawing import HEIGHT, WIDTH
from tests.unit.dashboard.conftest import NOW, browsing, keeping
from tests.unit.dashboard.reading import Document

LOOKS: dict[str, Any] = {
    "gap": 5,
    "seconds": [10, 20, 30, 40],
    "weights": [25, 25, 50, 50],
    "guards": [
        {
            "guard": "errors",
            "answers": [0, 100, 200, 400],
            "bad": [0, 3, 3, 4],
            "championAnswers": [0, 300, 600, 800],
            "championBad": [0, 1, 2, 2],
            "failed": [0, 0.5, 0.3, 0.2],
            "passed": [0, 0, 0.1, 0.4],
        },
        {"guard": "drift", **{name: [0, 0, 0, 0] for name in ("answers", "bad", "championAnswers", "championBad")},
         "failed": [0, 0, 0, 0], "passed": [0, 0.1, 0.2, 0.3]},
    ],
}  # fmt: skip


def canary(**looks: Any) -> dict[str, Any]:
    value = kinds()["Canary"]
    value["status"]["trial"]["looks"] = {**LOOKS, **looks}
    return placed(value, "ml", "churn")


def said(**looks: Any) -> Explanation:
    return explanation(canary(**looks))


def test_weight_shares_and_evidence_are_drawn_and_said() -> None:
    weight, share, evidence, drift = charts(said())
    assert (weight.title, weight.says) == ("Weight", "The challenger's weight went from 25% to 50%.")
    assert (share.title, [line.kind for line in share.lines]) == (
        "Guard errors: share",
        ["band", "tolerated", "champion", "subject"],
    )
    assert share.says.startswith("The share of bad answers went from 3% to 1%, between 1% and 3%; now it is 0.39% to ")
    assert share.says.endswith("of 400 answers. 1% is tolerated.")
    assert evidence.title == "Guard errors: evidence"
    assert evidence.top.startswith("1/α = ")
    assert "20% of the way on a log scale; that it passes: 40% of the way" in evidence.says
    assert [line.kind for line in evidence.lines].count("grid") >= 2
    assert drift.title == "Guard drift: evidence"


def test_the_evidence_says_how_many_more_answers_it_takes() -> None:
    known = said()
    guard = known.guards[0]
    criteria = [replace(each, more_answers=1234, verdict="Inconclusive") for each in guard.criteria]
    changed = replace(known, guards=[replace(guard, criteria=criteria), *known.guards[1:]])
    assert "about 1,234 more answers until it passes" in charts(changed)[2].says


def test_no_line_leaves_the_drawing() -> None:
    for chart in charts(said()):
        for line in chart.lines:
            numbers = [float(word) for word in line.path.translate(str.maketrans("MLHVZ", "     ")).split()]
            assert min(numbers) >= 0
            assert max(numbers) <= max(WIDTH, HEIGHT)


def test_the_grid_is_of_powers_of_ten_up_to_the_proof() -> None:
    heights = [float(line.path[3:].partition("H")[0]) for line in charts(said())[2].lines if line.kind == "grid"]
    assert heights == sorted(heights, reverse=True)
    assert all(0 < height < HEIGHT for height in heights)


def test_one_look_is_no_line_and_a_guard_that_was_not_there_is_left_out() -> None:
    one = {name: column[:1] for name, column in LOOKS.items() if name in {"seconds", "weights"}}
    assert charts(said(**one, guards=[])) == []
    assert charts(explanation(kinds()["Stable"])) == []
    assert [chart.title for chart in charts(replace(said(), guards=[]))] == ["Weight"]


def test_the_page_names_and_describes_each_drawing() -> None:
    document = Document(browsing(keeping(canary())).get("/deployments/ml/churn").text)
    assert document.problems == []
    titles = [(one, str(one.get("aria-labelledby"))) for one in document.all("svg")]
    drawn = [one for one, title in titles if title.startswith("chart-")]
    assert [(one["role"], one["aria-labelledby"], one["aria-describedby"]) for one in drawn] == [
        ("img", f"chart-{number}", f"chart-{number}-says") for number in range(1, 5)
    ]
    assert {"chart-1", "chart-1-says", "chart-4", "chart-4-says"} <= set(document.ids())


def test_a_page_without_looks_has_no_drawings() -> None:
    value = placed(kinds()["Stable"], "ml", "churn")
    page = deployment_page(keeping(value), keeping(value).entries[0], NOW)
    assert "charts" not in page.regions["sections"]


def test_the_operator_itself_leaves_looks_that_are_drawn() -> None:
    assert len(charts(explanation(kinds()["Soaking"]))) >= 3
