"""Both versions side by side, and the record behind each decision: what the status has of them, and no more."""

from dataclasses import replace
from typing import Any

from bench.page.fleets import kinds, placed
from podium.core.status.explained import Explanation
from podium.core.status.explanation import explanation
from podium.dashboard.deployment_page import deployment_page
from podium.dashboard.distributions import distributions, slow
from podium.dashboard.drawing import HEIGHT, WIDTH
from tests.unit.cli.conftest import saved
from tests.unit.dashboard.browser import Browser
from tests.unit.dashboard.conftest import NOW, keeping
from tests.unit.dashboard.reading import Document

CLASSES: dict[str, Any] = {
    "baselines": [{"guard": "drift", "classes": ["stays", "leaves"], "shares": [0.7, 0.3]}],
    "measures": [
        {"measure": "errors", "challenger": {"answers": 1200, "bad": 3}, "champion": {"answers": 3600, "bad": 4}},
        *(
            {"measure": f"class {name}", "challenger": {"answers": 100, "bad": mine},
             "champion": {"answers": 300, "bad": other}}
            for name, mine, other in (("stays", 61, 210), ("leaves", 38, 90))
        ),
    ],
}  # fmt: skip
LATENCY = {"name": "latency", "latency": {"atMost": "200ms"}}


def canary(**evidence: Any) -> dict[str, Any]:
    value = kinds()["Canary"]
    value["status"]["trial"]["evidence"] |= evidence
    return placed(value, "ml", "churn")


def part(value: dict[str, Any], name: str = "beside") -> Document:
    (entry,) = keeping(value).entries
    return Document(str(deployment_page(keeping(value), entry, NOW).regions["sections"][name]))


def said(**evidence: Any) -> Explanation:
    return explanation(canary(**evidence))


def test_answers_are_shown_by_version() -> None:
    text = part(canary(**CLASSES)).text
    assert "2 1,200 0.25% (3 of 1,200)" in text
    assert "1 3,600 0.111% (4 of 3,600)" in text


def test_distributions_of_scores_are_drawn_over_each_other() -> None:
    (found,) = distributions(explanation(saved("canary")))
    assert found.chart is not None
    assert [line.kind for line in found.chart.lines] == ["room", "champion", "subject"]
    assert len(found.points) == 9
    for line in found.chart.lines:
        numbers = [float(word) for word in line.path.translate(str.maketrans("MLHVZ", "     ")).split()]
        assert min(numbers) >= 0
        assert max(numbers) <= max(WIDTH, HEIGHT)
    document = part(saved("canary"))
    assert document.problems == []
    (drawn,) = [one for one in document.all("svg") if one.get("class") == "chart"]
    assert {drawn["aria-labelledby"], drawn["aria-describedby"]} <= set(document.ids())


def test_classes_are_compared_by_their_shares_and_the_widest_gap_is_said() -> None:
    (found,) = distributions(said(**CLASSES))
    assert found.chart is None
    assert found.says == (
        "Where they differ most, of class stays: 61% and 70%, 9 points apart; 10 points are tolerated."
    )
    text = part(canary(**CLASSES)).text
    assert "class leaves 38% (38 of 100) 30% (90 of 300) 30%" in text


def test_counts_of_first_answers_are_those_that_are_shown() -> None:
    first = [{**each, "measure": f"{each['measure']} of first answers"} for each in CLASSES["measures"]]
    (found,) = distributions(said(**{**CLASSES, "measures": first, "firstAnswers": True}))
    assert [point.subject.bad for point in found.points] == [61, 38]


def test_without_answers_the_page_says_what_is_missing() -> None:
    value = canary(measures=[], baselines=[])
    assert distributions(explanation(value)) == []
    text = part(value).text
    assert "no answers yet" in text
    assert "No guard on latency has answers yet." in text
    assert "No guard on predictions has answers of both versions yet." in text


def test_slow_answers_of_both_versions_are_beside_each_other() -> None:
    measures = [*CLASSES["measures"], {"measure": "slower than 0.2 s",
                "challenger": {"answers": 1000, "bad": 30}, "champion": {"answers": 3000, "bad": 60}}]  # fmt: skip
    value = canary(**{**CLASSES, "measures": measures})
    value["status"]["trial"]["guards"].append(LATENCY)
    assert [one.measure for one in slow(explanation(value))] == ["slower than 0.2 s"]
    assert "slower than 0.2 s 3% (30 of 1,000) 2% (60 of 3,000)" in part(value).text


def test_the_same_count_is_shown_once() -> None:
    known = said(**CLASSES)
    guard = replace(known.guards[0], kind="latency", criteria=[*known.guards[0].criteria] * 2)
    assert len(slow(replace(known, guards=[guard]))) == 1


def test_a_deployment_without_a_trial_has_nothing_to_compare(client: Browser) -> None:
    assert "beside" not in Document(client.get("/deployments/ml/stable").text).ids()


def test_a_decision_opens_its_record() -> None:
    document = part(kinds()["Rejected"], "decisions")
    assert document.problems == []
    opened = [one["id"] for one in document.all("details")]
    assert len(opened) == len(set(opened)) == len(explanation(kinds()["Rejected"]).history)
    rejected = explanation(kinds()["Rejected"]).history[-1]
    assert rejected.guards[0].verdict in document.text
    assert rejected.guards[0].message in document.text
    assert rejected.digest in document.text
    assert f"{rejected.artifact} in the artifacts of the run that logged version 2" in document.text
    assert rejected.artifact.endswith("Z-rejected.json")


def test_what_the_registry_does_not_take_has_no_artifact() -> None:
    value = kinds()["Rejected"]
    value["status"]["history"][-1]["outcome"] = "RolledBack"
    assert "The registry takes no record of it" in part(value, "decisions").text
    value["status"]["history"][-1] |= {"outcome": "Rejected", "template": {"revision": "r1", "specHash": "s"}}
    text = part(value, "decisions").text
    assert "Pod template on trial r1" in text
    assert "none of the registry's business" in text
