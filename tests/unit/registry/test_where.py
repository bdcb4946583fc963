"""Conditions on versions, as `podium models search` takes them."""

import math

import pytest

from podium.core.semantic_versions import SemanticVersion
from podium.core.version_lifecycle import Stage
from podium.errors import Rejected
from podium.registry import Version
from podium.registry.where import conditions

SEVEN = Version(
    "churn",
    "7",
    Stage.VALIDATED,
    aliases=("candidate", "blue"),
    semver=SemanticVersion(1, 10, 0),
    run="abc",
    metrics={"auc": 0.91, "loss": math.nan},
    params={"depth": "6"},
    tags={"team": "growth and risk"},
    status="READY",
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("metrics.auc > 0.9", True),
        ("metrics.auc>=0.92", False),
        ("metrics.auc = 0.91 and version < 8", True),
        ("metrics.auc != 0.91", False),
        ("metrics.loss < 1", False),
        ("metrics.loss >= 0", False),
        ("metrics.loss != 3", False),
        ("metrics.missing < 1", False),
        ("tags.team = 'growth and risk' AND alias = blue", True),
        ("tags.team like 'growth%'", True),
        ("tags.team like 'g%h'", False),
        ("tags.missing = ''", False),
        ("tags.missing != 'x'", True),
        ("params.depth = 6", True),
        ("params.depth > 5", True),
        ("alias != red", True),
        ("alias != blue", False),
        ("lifecycle = validated and status = READY and run = abc", True),
        ("mlflow_stage = Production", False),
        ("semver > 1.9.0", True),
        ("semver = '1.10.0'", True),
    ],
)
def test_a_condition_holds_or_does_not(text: str, holds: bool) -> None:
    assert all(each.holds(SEVEN) for each in conditions(text)) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a condition such as metrics.auc > 0.9"),
        ("auc > 0.9", "expected one of alias, lifecycle"),
        ("metrics.auc > high", "expected a number for metrics.auc, found 'high'"),
        ("metrics.auc like 1", "for metrics.auc, found like"),
        ("semver > 2", "expected a semantic version such as 1.2.0"),
        ("version = 7 or version = 8", "expected `and` between conditions, found 'or version = 8'"),
        ("version = 7 and", "expected a condition"),
    ],
)
def test_what_is_no_condition_is_refused_with_an_example(text: str, said: str) -> None:
    with pytest.raises(Rejected, match="expected") as refused:
        conditions(text)
    assert said in str(refused.value)
