"""Every kind of gate that asks the registry, as its example has it, beside a real MLflow.

Each example's gates are asked about versions as people make them with MLflow's own client: one that they let through,
and one for each way in which they do not.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.entities import Dataset, DatasetInput, InputTag

from podium.adapters.registries.mlflow import MlflowRegistry
from podium.api.v1alpha1.manifest import ModelDeploymentManifest
from podium.api.v1alpha1.status import Phase, Pinned, Status
from podium.controller.workers.registry_request import request_of
from podium.core.facts import Facts, Key, ObservedState, RegistryState
from podium.core.gates import GateCheck, check
from podium.ports import ModelDeployment
from tests.contract.registry_worlds import EDITOR, MlflowWorld, login
from tests.yaml_files import ROOT


@pytest.fixture
async def registry() -> AsyncIterator[MlflowRegistry]:
    made = MlflowRegistry()
    yield made
    await made.close()


class Shop:
    """A registered model on the real MLflow, its people, and one example's gates."""

    def __init__(self, world: MlflowWorld, registry: MlflowRegistry, model: str) -> None:
        self.world, self.registry, self.model = world, registry, model

    def publish(self, **made: Any) -> str:
        return self.world.publish(self.model, **made)

    def logged_model(self, client: Any, version: str) -> str:
        return str(client.get_model_version(self.model, version).source).removeprefix("models:/")

    def evaluate(
        self, version: str, metrics: Mapping[str, float], dataset: str = "holdout-2026", data: str = "d1"
    ) -> None:
        """As mlflow.models.evaluate does: a run of its own, its dataset, and metrics with the model's id."""
        with self.world.client() as client:
            experiment = client.get_experiment_by_name(self.model).experiment_id
            run = client.create_run(experiment).info.run_id
            client.log_inputs(run, [DatasetInput(_dataset(dataset, data))])
            for key, value in metrics.items():
                where = {"dataset_name": dataset, "dataset_digest": data}
                client.log_metric(run, key, value, model_id=self.logged_model(client, version), **where)

    def measure_in_steps(self, version: str, metrics: Mapping[str, list[float]]) -> None:
        """As an evaluation with several steps does."""
        with self.world.client() as client:
            experiment = client.get_experiment_by_name(self.model).experiment_id
            run = client.create_run(experiment).info.run_id
            for key, values in metrics.items():
                for step, value in enumerate(values):
                    client.log_metric(run, key, value, step=step, model_id=self.logged_model(client, version))

    def measured_on(self, version: str, data: str, context: str) -> None:
        """As mlflow.log_input does in the run that makes the model."""
        with self.world.client() as client:
            run = client.get_model_version(self.model, version).run_id
            tags = [InputTag("mlflow.data.context", context)] if context else []
            client.log_inputs(run, [DatasetInput(_dataset("cases", data), tags)])

    async def check(self, example: str, version: str, champion: str | None = None, **parts: Any) -> list[GateCheck]:
        """What the example's gates say of the version, as an operator in phase Gating would be told."""
        (file,) = ROOT.glob(f"examples/{example}-*/*.yaml")
        written = yaml.safe_load(file.read_text())
        written["spec"] |= {"model": {"name": self.model, "version": version}, **parts}
        spec = ModelDeploymentManifest.model_validate(written).spec
        pinned = Pinned(version=champion, digest="sha256:1", slot="a") if champion else None
        status = Status(phase=Phase.GATING, champion=pinned)
        seen = ModelDeployment(Key("ml", "churn"), "u", 1, "1", datetime.now(UTC), False, spec, status)
        request = request_of(seen)
        assert request is not None
        looked = await self.registry.query(replace(request.query, login=login(self.world.uri, EDITOR)))
        return _asked(Facts(seen.key, 1, spec, status, ObservedState(registry=looked), datetime.now(UTC)), looked)


def _asked(facts: Facts, looked: RegistryState) -> list[GateCheck]:
    assert looked.desired is not None
    return list(check(facts))


def _dataset(name: str, digest: str) -> Dataset:
    source = CodeDatasetSource({"mlflow.user": "ann"})
    return Dataset(name, digest, source._get_source_type(), source.to_json())


@pytest.fixture
def shop(mlflow_world: MlflowWorld, registry: MlflowRegistry, model: str) -> Shop:
    return Shop(mlflow_world, registry, model)


def states(asked: list[GateCheck]) -> dict[str, str]:
    return {each.gate.name: each.state for each in asked}


def mlmodel(*columns: Mapping[str, Any]) -> dict[str, bytes]:
    text = yaml.safe_dump({"signature": {"inputs": json.dumps(columns), "outputs": None, "params": None}})
    return {"MLmodel": text.encode()}


AGE = {"type": "long", "name": "age", "required": True}
CITY = {"type": "string", "name": "city", "required": False}
SHA = "0123456789abcdef0123456789abcdef01234567"


async def test_metrics_and_tags(shop: Shop) -> None:
    tags = {"git_sha": SHA, "dataset_version": "3"}
    champion = shop.publish(metrics={"auc": 0.8, "model_mb": 10}, run_tags=tags)
    good = shop.publish(metrics={"auc": 0.8, "model_mb": 10}, tags=tags)
    bad = shop.publish(metrics={"auc": 0.7, "model_mb": 600})
    assert set(states(await shop.check("02", good, champion)).values()) == {"Passed"}
    found = await shop.check("02", bad, champion)
    assert [each.gate.name for each in found if each.state == "Failed"] == [
        "accurate",
        "not-worse",
        "small",
        "reproducible",
    ]


async def test_tags_by_pattern(shop: Shop) -> None:
    good = shop.publish(run_tags={"git_sha": SHA, "dataset_version": "3"}, tags={"stage": "prod"})
    assert states(await shop.check("09", good)) == {"reproducible": "Passed"}
    bad = shop.publish(run_tags={"git_sha": SHA[:7], "dataset_version": "3"}, tags={"stage": "production"})
    (found,) = await shop.check("09", bad)
    assert found.state == "Failed"
    assert "tag git_sha" in found.message
    assert "tag stage" in found.message


async def test_a_signature(shop: Shop) -> None:
    champion, good = shop.publish(files=mlmodel(AGE)), shop.publish(files=mlmodel(AGE, CITY))
    assert states(await shop.check("10", good, champion)) == {"compatible": "Passed"}
    (found,) = await shop.check("10", shop.publish(files=mlmodel({**AGE, "type": "integer"})), champion)
    assert (found.state, "column age narrowed from long to integer" in found.message) == ("Failed", True)
    (found,) = await shop.check("10", shop.publish(files={"MLmodel": b"flavors: {}\n"}), champion)
    assert (found.state, "has no signature" in found.message) == ("Failed", True)
    (found,) = await shop.check("10", shop.publish(files={"model.bin": b"1"}), champion)
    assert (found.state, "has no signature" in found.message) == ("Failed", True)


async def test_a_semantic_version(shop: Shop) -> None:
    champion = shop.publish(files=mlmodel(AGE), tags={"podium.dev/semver": "1.2.0"})
    good = shop.publish(files=mlmodel(AGE, CITY), tags={"podium.dev/semver": "1.3.0"})
    assert states(await shop.check("29", good, champion)) == {"no-major-change": "Passed"}
    (found,) = await shop.check("29", shop.publish(files=mlmodel(CITY)), champion)
    assert (found.state, "is a major change" in found.message) == ("Failed", True)
    dishonest = shop.publish(files=mlmodel(AGE, CITY), tags={"podium.dev/semver": "1.2.1"})
    (found,) = await shop.check("29", dishonest, champion)
    assert (found.state, "required: a minor step at least" in found.message) == ("Failed", True)


async def test_an_evaluation(shop: Shop) -> None:
    version = shop.publish(metrics={"accuracy_score": 0.9})
    found = await shop.check("11", version)
    assert (found[0].state, "no evaluation of version" in found[0].message) == ("Failed", True)
    shop.evaluate(version, {"accuracy_score": 0.9, "log_loss": 0.1}, dataset="training set")
    assert states(await shop.check("11", version))["evaluated"] == "Failed", "on another dataset"
    shop.evaluate(version, {"accuracy_score": 0.9, "log_loss": 0.1})
    assert states(await shop.check("11", version))["evaluated"] == "Passed"
    shop.evaluate(version, {"accuracy_score": 0.7, "log_loss": 0.1}, data="d2")
    found = await shop.check("11", version)
    assert (found[0].state, "accuracy_score is 0.7; required: at least 0.8" in found[0].message) == ("Failed", True)


@pytest.mark.parametrize(("theirs", "ours", "state"), [("d1", "d1", "Passed"), ("d1", "d2", "Failed")])
async def test_metrics_of_evaluations_are_compared_on_the_same_dataset_only(
    shop: Shop, theirs: str, ours: str, state: str
) -> None:
    champion, version = shop.publish(), shop.publish()
    shop.evaluate(champion, {"accuracy_score": 0.9}, data=theirs)
    shop.evaluate(version, {"accuracy_score": 0.9}, data=ours)
    assert states(await shop.check("11", version, champion))["not-worse"] == state


@pytest.mark.parametrize(
    ("theirs", "ours", "context", "state"),
    [
        ("d1", "d1", "evaluation", "Passed"),
        ("d1", "d2", "evaluation", "Failed"),
        ("d1", "d2", "training", "Passed"),
        ("d1", "d2", "", "Passed"),
    ],
)
async def test_metrics_of_runs_are_compared_unless_the_runs_name_different_datasets_for_evaluation(
    shop: Shop, theirs: str, ours: str, context: str, state: str
) -> None:
    champion, version = (shop.publish(metrics={"accuracy_score": 0.9}) for _ in range(2))
    shop.measured_on(champion, theirs, context)
    shop.measured_on(version, ours, context)
    assert states(await shop.check("11", version, champion))["not-worse"] == state


LIMITS = [
    {"name": "loss", "metric": {"key": "loss", "atMost": 0.5}},
    {"name": "evaluated", "evaluation": {"metrics": [{"key": "loss", "atMost": 0.5}]}},
    {"name": "approved", "approval": {"metric": {"key": "loss", "autoAtMost": 0.5}}},
]


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
async def test_a_metric_that_is_not_finite_passes_no_gate(shop: Shop, loss: float) -> None:
    """MLflow's table of a logged model's metrics says 0 for NaN, and the largest float for infinity."""
    version = shop.publish()
    shop.evaluate(version, {"loss": loss})
    found = await shop.check("11", version, gates=LIMITS)
    assert states(found) == {"loss": "Failed", "evaluated": "Failed", "approved": "Failed"}
    assert all(f"{loss}; required: a finite number" in each.message for each in found)


async def test_a_metric_that_is_0_is_0(shop: Shop) -> None:
    version = shop.publish()
    shop.evaluate(version, {"loss": 0.0})
    assert set(states(await shop.check("11", version, gates=LIMITS)).values()) == {"Passed"}


@pytest.mark.parametrize(("first", "then", "state"), [("nan", "0.1", "Passed"), ("0.1", "nan", "Failed")])
async def test_of_two_values_of_a_run_the_last_one_counts_if_it_is_nan_too(
    shop: Shop, first: str, then: str, state: str
) -> None:
    version = shop.publish()
    shop.measure_in_steps(version, {"loss": [float(first), float(then)]})
    assert set(states(await shop.check("11", version, gates=LIMITS)).values()) == {state}


async def test_a_copy_of_a_version_has_its_evaluation(shop: Shop) -> None:
    """As copy_model_version makes one in another registered model: its source is models:/<name>/<version>."""
    version = shop.publish(metrics={"accuracy_score": 0.9})
    shop.evaluate(version, {"accuracy_score": 0.9, "log_loss": 0.1})
    copy = Shop(shop.world, shop.registry, f"{shop.model}-prod")
    for source in (f"{shop.model}/{version}", f"{copy.model}/1"):  # and a copy of the copy
        with shop.world.client() as client:
            made = client.copy_model_version(f"models:/{source}", copy.model).version
        assert states(await copy.check("11", str(made)))["evaluated"] == "Passed"


async def test_the_age(shop: Shop) -> None:
    version = shop.publish()
    assert states(await shop.check("12", version)) == {"slept-on": "Pending", "fresh": "Passed"}
    _registered(shop, version, timedelta(days=2))
    assert states(await shop.check("12", version)) == {"slept-on": "Passed", "fresh": "Passed"}
    _registered(shop, version, timedelta(days=31))
    assert states(await shop.check("12", version)) == {"slept-on": "Passed", "fresh": "Failed"}


def _registered(shop: Shop, version: str, ago: timedelta) -> None:
    moment = str(round((datetime.now(UTC) - ago).timestamp() * 1000))
    statement = "UPDATE model_versions SET creation_time = ? WHERE name = ? AND version = ?"
    shop.world.execute(statement, moment, shop.model, version)


@pytest.mark.parametrize(
    ("auc", "by", "state"),
    [
        (0.95, None, "Passed"),
        (0.8, None, "Pending"),
        (0.8, "mallory", "Pending"),
        (0.8, "alice", "Passed"),
        (0.7, "alice", "Failed"),
    ],
)
async def test_an_approval(shop: Shop, auc: float, by: str | None, state: str) -> None:
    version = shop.publish(metrics={"auc": auc})
    approvals = [{"version": version, "by": by}] if by else []
    assert states(await shop.check("13", version, approvals=approvals)) == {"signed-off": state}


async def test_signatures_are_read_once_each_and_only_where_a_gate_asks(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real: Callable[..., Any] = shop.registry._signatures.of

    def of(key: Any, owner: Any, entry: Any) -> Any:
        asked.append(str(entry.version))
        return real(key, owner, entry)

    monkeypatch.setattr(shop.registry._signatures, "of", of)
    version = shop.publish(files=mlmodel(AGE), metrics={"auc": 0.9})
    await shop.check("13", version)
    assert asked == []
    await shop.check("10", version)
    shop.world.overwrite(shop.model, version, "MLmodel", b"flavors: {}\n")
    champion = version
    assert states(await shop.check("10", shop.publish(files=mlmodel(AGE)), champion)) == {"compatible": "Passed"}
