"""The fleet's page: what a row says, filters and pages."""

from datetime import timedelta

import pytest

from bench.page.fleets import fleet, kinds, placed
from podium.dashboard.fleet_page import fleet_page
from podium.dashboard.kept import Kept
from podium.dashboard.selection import ROWS, Selection, window
from tests.unit.dashboard.browser import Browser
from tests.unit.dashboard.conftest import NOW, browsing, keeping
from tests.unit.dashboard.reading import Document


def names(html: str) -> list[str]:
    links = [str(one.get("href")) for one in Document(html).all("a")]
    return [link.rpartition("/")[2] for link in links if link.startswith("./deployments/")]


def row(html: str, name: str) -> str:
    start = html.index(f'<tr id="/ml/{name}"')
    return Document(html[start : html.index("</tr>", start)]).text


def test_a_row_says_versions_phase_weight_guard_time_readiness_and_the_last_decision(client: Browser) -> None:
    html = client.get("/").text
    assert row(html, "canary") == "ml/canary 1 → 2 Canary 25% errors 0% ≥ 4m Unknown Promoted 1, 1m ago"
    assert row(html, "stable") == "ml/stable 1 Stable – – – True Promoted 1, 1m ago"
    assert row(html, "rejected").startswith("ml/rejected version 2 is rejected: errors ")
    assert row(html, "blocked").endswith("1 → 2 Blocked – – – False Promoted 1, 1m ago")


def test_a_step_whose_time_is_over_is_due() -> None:
    page = fleet_page(keeping(placed(kinds()["Canary"], "ml", "canary")), Selection(), NOW + timedelta(hours=3))
    assert "due" in row(str(page.regions["rows"]["/ml/canary"]), "canary")


def test_the_fleet_is_filtered_by_namespace_phase_and_text(client: Browser) -> None:
    assert names(client.get("/?phase=Canary").text) == ["canary"]
    assert names(client.get("/?text=AUC required").text) == ["blocked"]
    assert names(client.get("/?text=churn&phase=Stable").text) == ["stable"]
    assert "No ModelDeployment fits the filter, of 6" in client.get("/?phase=Dancing").text
    large = browsing(keeping(*fleet(120)))
    assert len(names(large.get("/?namespace=team-001").text)) == 50
    assert names(large.get("/?namespace=team-01").text) == []


def test_a_filter_stays_in_its_fields_and_in_the_links() -> None:
    html = browsing(keeping(*fleet(1200))).get("/?text=model&phase=Stable").text
    document = Document(html)
    assert {"name": "phase", "value": "Stable", "type": "hidden"} in document.all("input")
    assert any(one.get("value") == "model" for one in document.all("input"))
    assert {"rel": "next", "href": "./?phase=Stable&text=model&page=2"} in document.all("a")
    assert "Stable 1,080" in document.text


def test_all_rows_are_on_some_page_and_each_on_one() -> None:
    client = browsing(keeping(*fleet(250)))
    shown = [name for page in (1, 2, 3) for name in names(client.get(f"/?page={page}").text)]
    assert shown == [f"model-{at:05}" for at in range(250)]
    assert "201–250 of 250 ModelDeployments" in client.get("/?page=3").text


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "9" * 30, ""])
def test_a_page_that_is_no_number_is_the_first_one(page: str) -> None:
    assert Selection.of({"page": page}).page == 1


@pytest.mark.parametrize("size", [1, 1_000, 10_000])
def test_the_first_page_is_small_however_many_there_are(size: int) -> None:
    kept = keeping(*fleet(size))
    answer = browsing(kept).get("/")
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) <= 60_000
    assert len(names(answer.text)) == min(size, ROWS)


def test_only_what_is_shown_is_explained() -> None:
    kept = keeping(*fleet(1_000))
    browsing(kept).get("/?page=2")
    assert [at for at, each in enumerate(kept.entries) if "summary" in vars(each)] == list(range(ROWS, 2 * ROWS))


def test_a_page_beyond_the_last_is_the_last() -> None:
    found = window(keeping(*fleet(ROWS + 1)).entries, Selection(page=99))
    assert (found.selection.page, found.first, len(found.rows)) == (2, ROWS + 1, 1)


def test_a_cluster_without_any_says_so_and_one_that_is_still_read_says_that() -> None:
    assert "No ModelDeployments" in browsing(keeping()).get("/").text
    reading = Kept()
    reading.put(fleet(3))
    assert "Reading the cluster: 3 ModelDeployments so far." in browsing(reading).get("/").text


def test_what_is_no_longer_up_to_date_says_so_and_why() -> None:
    kept = keeping(*fleet(3))
    kept.fail("GET /apis: the API server answered 503")
    text = Document(browsing(kept).get("/").text).text
    assert "Not up to date: GET /apis: the API server answered 503. Podium keeps trying." in text


def test_an_object_that_cannot_be_read_hides_no_other() -> None:
    broken = placed(kinds()["Stable"], "ml", "broken")
    broken["status"] = {"phase": "Dancing"}
    client = browsing(keeping(broken, placed(kinds()["Stable"], "ml", "stable")))
    html = client.get("/").text
    assert row(html, "broken").startswith("ml/broken cannot be read: status.phase: ")
    assert names(html) == ["broken", "stable"]
    assert "cannot explain ml/broken" in client.get("/deployments/ml/broken").text
