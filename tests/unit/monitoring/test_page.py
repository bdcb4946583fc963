import re
from pathlib import Path

import pytest

from tests.unit.monitoring import exported

PAGE = Path(__file__).parents[3] / "docs" / "monitoring.md"
ROW = re.compile(r"^\| (?P<names>`.+?) \| ", re.MULTILINE)
NAME = re.compile(r"`(?P<name>[a-z]\w*)(?:\{(?P<labels>[^}]*)\})?`")
OF_A_HISTOGRAM = re.compile(r"_(bucket|sum|count)$")
OF_ALL_ROLLOUTS = frozenset({"namespace", "name"})  # which the section's first sentence says


@pytest.fixture(scope="module")
def families() -> dict[str, frozenset[str]]:
    """What the operator exports, a histogram as one name."""
    return {OF_A_HISTOGRAM.sub("", name): labels - {"le"} for name, labels in exported.of_operator().items()}


def documented() -> dict[str, frozenset[str]]:
    rows = "\n".join(row["names"] for row in ROW.finditer(PAGE.read_text()))
    return {found["name"]: frozenset((found["labels"] or "").split(", ")) - {""} for found in NAME.finditer(rows)}


def test_the_page_names_every_metric_of_the_operator_and_no_other(families: dict[str, frozenset[str]]) -> None:
    assert documented().keys() == families.keys()


def test_the_page_names_the_labels_of_what_rollouts_have(families: dict[str, frozenset[str]]) -> None:
    said = {name: labels | OF_ALL_ROLLOUTS for name, labels in documented().items() if name.startswith("podium_")}
    found = {name: labels | OF_ALL_ROLLOUTS for name, labels in families.items() if name.startswith("podium_")}
    assert said == found


def test_no_series_has_a_label_without_bounds(families: dict[str, frozenset[str]]) -> None:
    bounded = OF_ALL_ROLLOUTS | {
        "shard",
        "phase",
        "type",
        "status",
        "reason",
        "kind",
        "measure",
        "side",
        "guard",
        "verdict",
    }
    bounded |= {"outcome", "from", "to", "controller", "result"} | {"model", "champion", "challenger"}
    assert frozenset[str]().union(*families.values()) <= bounded
