"""manifests/monitoring: its rules and dashboards ask for what Podium exports, in the formats of their readers."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.manifest import LABEL
from podium.api.v1alpha1.status import Outcome, Phase
from podium.core.analysis.sequential import TestVerdict
from podium.runtime.faults import Outcome as Answer
from tests.unit.monitoring import exported
from tests.unit.monitoring.promql import Expression, parsed
from tests.yaml_files import ROOT

FOLDER: Final = ROOT / "manifests/monitoring"
DASHBOARDS: Final = sorted(FOLDER.glob("dashboards/*.json"))
SCHEMAS: Final = yaml.safe_load((ROOT / "tests/unit/monitoring/schemas.yaml").read_text())
RULES: Final = yaml.safe_load((FOLDER / "rules.yaml").read_text())
MONITORS: Final = list(yaml.safe_load_all((FOLDER / "monitors.yaml").read_text()))
# What Prometheus adds to what it scrapes, by the monitors.
OF_THE_TARGET: Final = frozenset({"namespace", "pod", "podium_dev_deployment", "podium_dev_slot"})
# What the cluster's own exporters give: kubelet, and kube-state-metrics.
OF_THE_CLUSTER: Final[Mapping[str, frozenset[str]]] = {
    "container_memory_working_set_bytes": frozenset({"namespace", "pod", "container"}),
    "container_cpu_usage_seconds_total": frozenset({"namespace", "pod", "container"}),
    "kube_pod_container_resource_limits": frozenset({"namespace", "pod", "container", "resource"}),
}
VALUES: Final[Mapping[str, frozenset[str]]] = {
    "phase": frozenset(Phase),
    "outcome": frozenset({*get_args(Outcome), *Answer}),
    "reason": frozenset(value for name, value in vars(reasons).items() if name.isupper()),
    "verdict": frozenset(get_args(TestVerdict)),
    "status": frozenset({"True", "False", "Unknown"}),
    "side": frozenset({"challenger", "champion"}),
}


@cache
def exports() -> Mapping[str, frozenset[str]]:
    return {**exported.of_operator(), **exported.of_model_server(), **OF_THE_CLUSTER}


def read(dashboard: Any) -> Any:
    return json.loads(dashboard.read_text())


def queries(dashboard: Any) -> Iterator[tuple[str, str, str]]:
    """Title, expression and legend of each query."""
    for panel in dashboard["panels"]:
        yield from ((panel["title"], one["expr"], one["legendFormat"]) for one in panel.get("targets", []))
    yield from ((one["name"], one["expr"], one["textFormat"]) for one in dashboard["annotations"]["list"])


def asked() -> Iterator[Any]:
    for group in RULES["spec"]["groups"]:
        for rule in group["rules"]:
            told = " ".join(rule["annotations"].values()).replace("$labels.", "").replace("$value", "")
            yield pytest.param(rule["expr"], re.sub(r" \| \w+", "", told), id=rule["alert"])
    for file in DASHBOARDS:
        for title, expression, legend in queries(read(file)):
            yield pytest.param(expression, legend, id=f"{file.stem}: {title}")


ASKED: Final = list(asked())


@pytest.mark.parametrize(("expression", "text"), ASKED)
def test_every_metric_and_label_that_is_asked_for_is_exported(expression: str, text: str) -> None:
    found = parsed(expression)
    for metric, matchers in found.metrics:
        assert metric in exports(), f"neither Podium nor the cluster exports {metric}"
        assert matchers.keys() <= labels_of(metric), f"{metric} has no such label"
    known = frozenset[str]().union(*(labels_of(metric) for metric, _ in found.metrics))
    assert found.grouped <= known
    assert set(re.findall(r"\{\{ *(\w+) *\}\}", text)) <= kept(found, known)


def labels_of(metric: str) -> frozenset[str]:
    return exports()[metric] | OF_THE_TARGET


def kept(found: Expression, known: frozenset[str]) -> frozenset[str]:
    """The labels that the result may have."""
    return frozenset(found.grouped) if found.grouped else known


@pytest.mark.parametrize(("expression", "text"), ASKED)
def test_every_value_that_a_label_is_compared_with_can_be_its_value(expression: str, text: str) -> None:
    for metric, matchers in parsed(expression).metrics:
        for label, wanted in matchers.items():
            values = VALUES.get(label, frozenset(wanted.split("|")))
            assert set(wanted.split("|")) <= values, f"{metric}: {label} is never {wanted}"


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_is_as_grafana_has_it(file: Any) -> None:
    Draft202012Validator(SCHEMAS["dashboard"]).validate(read(file))


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_no_two_panels_of_a_dashboard_lie_upon_each_other(file: Any) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in read(file)["panels"]:
        place = panel["gridPos"]
        columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in columns for y in rows}
        assert max(x for x, _ in cells) < 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_has_the_variables_that_its_queries_use(file: Any) -> None:
    dashboard = read(file)
    there = {one["name"] for one in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)\b", json.dumps(dashboard["panels"])))
    assert used <= there


def test_dashboards_have_names_of_their_own_and_are_installed() -> None:
    uids = [read(file)["uid"] for file in DASHBOARDS]
    assert uids == ["podium-business", "podium-history", "podium-live", "podium-technical"]
    installed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["configMapGenerator"][0]["files"]
    assert sorted(installed) == [f"dashboards/{file.name}" for file in DASHBOARDS]


@pytest.mark.parametrize("found", [RULES, *MONITORS], ids=lambda found: found["kind"])
def test_an_object_is_as_the_prometheus_operator_has_it(found: Any) -> None:
    Draft202012Validator(SCHEMAS[found["kind"]]).validate(found)


def test_the_monitors_find_the_services_and_pods_that_there_are() -> None:
    service = yaml.safe_load((ROOT / "manifests/service.yaml").read_text())
    operator, models = MONITORS
    assert operator["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert operator["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert LABEL in models["spec"]["podTargetLabels"]
    assert all(
        label.replace(".", "_").replace("/", "_") in OF_THE_TARGET for label in models["spec"]["podTargetLabels"]
    )


def test_the_operators_own_label_namespace_is_kept() -> None:
    assert MONITORS[0]["spec"]["endpoints"][0]["honorLabels"] is True


def test_every_alert_says_how_urgent_it_is_and_what_to_do() -> None:
    for group in RULES["spec"]["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"info", "warning", "critical"}
            assert {"summary", "description"} == rule["annotations"].keys()


def test_the_page_names_every_alert() -> None:
    page = (ROOT / "docs/monitoring.md").read_text()
    assert not [
        rule["alert"] for group in RULES["spec"]["groups"] for rule in group["rules"] if rule["alert"] not in page
    ]
