"""The metrics that Podium's own processes export, by what they say on /metrics."""

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.parser import text_string_to_metric_families

from podium.api.v1alpha1.status import Phase
from podium.controller.operator import Operator
from podium.runtime.http.metrics import Metrics, before_serving
from podium.runtime.http.pairs import Pairs
from podium.runtime.identity import Identity
from podium.runtime.prediction.distribution import Predictions
from podium.runtime.startup import StartupStep
from tests.unit.controller.stage import Stage, spec

GUARDS = [{"name": "errors", "errorRate": {"atMost": "1%"}}]
SUFFIXES: Mapping[str, Sequence[str]] = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}


def of_operator() -> Mapping[str, frozenset[str]]:
    """Names of the operator's series, with the names of their labels, after a promotion and within a trial."""
    stage = Stage()
    with stage.operator() as operator:
        _promote(stage, "1")
        _promote(stage, "2")
        stage.apply(spec("3", rollout={"steps": [{"weight": 30, "duration": "5m"}], "guards": GUARDS}))
        stage.wait_for(Phase.CANARY)
        stage.clients.rate = 100
        stage.advance(10)
        operator.metrics.shard_held.labels("0").set(1)  # as where there are shards
        return _of(operator)


def of_model_server() -> Mapping[str, frozenset[str]]:
    """The same of a model server in whose pod all is switched on."""
    who = Identity("churn", "7", "r1", "sha256:11")
    pairs = Pairs(("8", "sha256:22"))
    all_on = {"previews": True, "beside": True}
    metrics = Metrics(who, (0.1,), lambda: 0, Predictions(), first=Predictions(), shadow=pairs.collect, **all_on)
    text = metrics.render() + before_serving(next(iter(StartupStep)))
    known = dict(series(text.decode()))
    return known | {"podium_classes_total": known["podium_model_info"] - {"run_id", "digest"} | {"class"}}


def _promote(stage: Stage, version: str) -> None:
    stage.apply(spec(version))
    stage.wait_for(Phase.STABLE, requests=200)


def _of(operator: Operator) -> Mapping[str, frozenset[str]]:
    return dict(series(operator.metrics.render().decode()))


def series(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each name of a series in Prometheus' text format, and its labels' names. A family without samples has a name."""
    for family in text_string_to_metric_families(text):
        yield from ((f"{family.name}{suffix}", frozenset[str]()) for suffix in SUFFIXES.get(family.type, [""]))
        yield from ((sample.name, frozenset(sample.labels)) for sample in family.samples)
