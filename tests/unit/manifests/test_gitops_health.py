"""Argo CD's script and Flux's expressions, run by interpreters of their languages over statuses of whole rollouts."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import celpy
import pytest
import yaml
from celpy.adapter import json_to_cel
from lupa import LuaRuntime

from podium.api.v1alpha1.status import Status
from podium.core.status.readiness import condition_of
from tests.stories import test_stories
from tests.stories.simulator import SECOND, Simulation, spec_of
from tests.yaml_files import ROOT

ARGOCD: Final = ROOT / "manifests/argocd"
SCRIPT: Final = (ARGOCD / "health.lua").read_text()
FLUX: Final = yaml.safe_load((ROOT / "manifests/flux/health-check-exprs.yaml").read_text())
EXPRESSIONS: Final = {name: FLUX["spec"]["healthCheckExprs"][0][name] for name in ("inProgress", "failed", "current")}
STORIES: Final = ["good", "bad", "gate_fails", "paused", "feature_store_down", "first_version_crashes", "contested"]
_CEL: Final = celpy.Environment()
_PROGRAMS: Final = {name: _CEL.program(_CEL.compile(text)) for name, text in EXPRESSIONS.items()}


def lua(found: object, runtime: LuaRuntime) -> Any:
    """A JSON value as Lua sees it."""
    if isinstance(found, dict):
        return runtime.table_from({key: lua(value, runtime) for key, value in found.items()})
    if isinstance(found, list):
        return runtime.table_from([lua(value, runtime) for value in found])
    return found


def argocd(found: dict[str, Any]) -> tuple[str, str]:
    """Status and message, as Argo CD finds them."""
    runtime = LuaRuntime()
    runtime.globals().obj = lua(found, runtime)
    health = runtime.execute(SCRIPT)
    return health["status"], health["message"]


def flux(found: dict[str, Any]) -> str:
    """The first expression that holds, in Flux's order."""
    activation = {name: json_to_cel(found[name]) for name in ("metadata", "spec", "status")}
    return next((name for name, program in _PROGRAMS.items() if program.evaluate(activation)), "inProgress")


def stored(generation: int, status: Status) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps({"metadata": {"generation": generation}, "spec": {}}))
    return found | {"status": status.stored()}


@cache
def statuses() -> list[tuple[int, Status]]:
    """Every status that the stories write, and each once more under the next generation, before it is reconciled."""

    def written() -> Iterator[tuple[int, Status]]:
        for name in STORIES:
            for generation, status in getattr(test_stories, name)().statuses:
                yield from ((generation, status), (generation + 1, status))

    return list(written())


def holds(kind: str, generation: int, status: Status) -> bool:
    found = condition_of(status, kind)
    return found is not None and found.status == "True" and status.observed_generation == generation


def test_the_config_map_of_argocd_holds_the_script() -> None:
    (text,) = yaml.safe_load((ARGOCD / "argocd-cm.yaml").read_text())["data"].values()
    assert text == SCRIPT


def test_argocd_shows_healthy_only_for_what_serves_and_degraded_for_what_needs_a_person() -> None:
    seen = set()
    for generation, status in statuses():
        health, message = argocd(stored(generation, status))
        seen.add(health)
        assert (health == "Healthy") == holds("Ready", generation, status)
        assert health == "Degraded" or not holds("Stalled", generation, status)
        assert message
    assert seen == {"Healthy", "Progressing", "Degraded", "Suspended"}


def test_flux_goes_on_only_for_what_serves_and_fails_at_once_where_only_a_person_can_help() -> None:
    seen = set()
    for generation, status in statuses():
        health = flux(stored(generation, status))
        seen.add(health)
        assert (health == "current") == holds("Ready", generation, status)
        assert (health == "failed") == holds("Stalled", generation, status)
    assert seen == {"current", "inProgress", "failed"}


@pytest.mark.parametrize("status", [{"observedGeneration": -1}, {"observedGeneration": 1, "conditions": []}])
def test_an_object_that_was_not_reconciled_is_in_progress_everywhere(status: dict[str, Any]) -> None:
    found = {"metadata": {"generation": 1}, "spec": {}, "status": status}
    assert argocd(found)[0] == "Progressing"
    assert flux(found) == "inProgress"


def test_a_version_that_does_not_exist_is_degraded_and_says_why() -> None:
    sim = Simulation(spec_of("99"))
    sim.register("1")
    sim.run(SECOND)
    found = "version 99 of churn (spec.model.version) not found"
    assert argocd(stored(1, sim.status)) == ("Degraded", found)
