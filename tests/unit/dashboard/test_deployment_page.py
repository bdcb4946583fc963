"""The page of one ModelDeployment, over statuses of the simulated world."""

import json
from datetime import timedelta

import pytest
import yaml

from bench.page.fleets import Json, kinds, placed
from podium.api.v1alpha1.manifest import ModelDeploymentManifest
from podium.core.status.explanation import explanation
from podium.dashboard.deployment_page import deployment_page, manifest
from tests.unit.cli.conftest import saved
from tests.unit.dashboard.browser import Browser
from tests.unit.dashboard.conftest import NOW, keeping
from tests.unit.dashboard.reading import Document

PHASES = ("Canary", "Soaking", "Starting", "Stable", "Rejected", "Blocked")


def part(value: Json, name: str) -> str:
    (entry,) = keeping(value).entries
    return Document(str(deployment_page(keeping(value), entry, NOW).regions["sections"][name])).text


def test_a_trial_shows_its_steps_with_the_present_one(client: Browser) -> None:
    html = client.get("/deployments/ml/canary").text
    assert [one.get("aria-current") for one in Document(html).all("li")].count("step") == 1
    text = part(kinds()["Canary"], "steps")
    assert "now 25% for 1m, in force since 2026-01-05 09:00:04 UTC" in text
    assert "next 50% for 5m next 100% , soak for 30m" in text
    assert "done 25% for 1m done 50% for 5m now 100%" in part(kinds()["Soaking"], "steps")


def test_a_guard_shows_share_limit_evidence_up_to_the_proof_and_the_answers_that_are_missing() -> None:
    value = saved("second_step")
    criterion = explanation(value).guards[0].criteria[0]
    text = part(value, "guards")
    assert f"about {criterion.more_answers:,} more answers" in text
    assert f"of 1/α = {1 / criterion.alpha:,.0f}" in text
    assert f"({criterion.subject.bad:,} of {criterion.subject.answers:,})" in text


def test_a_guard_with_many_criteria_shows_the_worst_before_all() -> None:
    text = part(kinds()["Canary"], "guards")
    assert "All 12 criteria; above is the worst of them" in text
    guard = explanation(kinds()["Canary"]).guards[1]
    assert (guard.verdict, guard.worst.verdict) == ("Inconclusive", "Inconclusive")


def test_a_gate_shows_what_was_found_and_what_is_required() -> None:
    assert "accurate metric Failed 2 auc of version 2 is 0.6; required: at least 0.75" in part(
        kinds()["Blocked"], "gates"
    )


def test_decisions_are_a_timeline_the_newest_first() -> None:
    text = part(kinds()["Rejected"], "decisions")
    assert text.index("Version 2 Rejected") < text.rindex("Version 1 Promoted")
    assert "Rejected until the spec changes" in text
    assert "No decisions yet." in part({**kinds()["Stable"], "status": {}}, "decisions")


def test_the_conditions_say_what_the_operator_wrote() -> None:
    text = part(kinds()["Blocked"], "conditions")
    assert "Stalled True GatesFailed" in text
    assert "None yet" in part({**kinds()["Stable"], "status": {}}, "conditions")


def test_a_shared_outage_shows_the_run_of_the_champion() -> None:
    text = part(saved("degraded"), "outage")
    assert text.startswith("Shared outage Since 2026-")
    assert "in its present run" in text


def test_a_status_about_an_older_generation_says_so() -> None:
    value = kinds()["Stable"]
    value["metadata"]["generation"] += 1
    assert "has not seen generation 2 yet: this is about generation 1" in part(value, "head")


@pytest.mark.parametrize("phase", PHASES)
def test_the_yaml_is_the_object_without_what_others_write(phase: str) -> None:
    value = kinds()[phase]
    value["metadata"] |= {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}
    written = yaml.safe_load(manifest(value))
    assert set(written) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(written["metadata"]) == {"namespace", "name"}
    assert ModelDeploymentManifest.model_validate(written).spec.model_dump() == (
        ModelDeploymentManifest.model_validate({**written, "spec": value["spec"]}).spec.model_dump()
    )


def test_the_page_shows_it_all_and_its_address_is_the_objects(client: Browser) -> None:
    for phase in PHASES:
        answer = client.get(f"/deployments/ml/{phase.lower()}")
        assert answer.status_code == 200
        assert f"Now: {phase}" in Document(answer.text).text
    missing = client.get("/deployments/ml/gone")
    assert missing.status_code == 404
    assert "There is no ModelDeployment ml/gone" in Document(missing.text).text


def test_only_words_of_the_status_say_how_a_rollout_stands() -> None:
    """Another time makes other ages, and no other verdict, phase, share or figure."""
    value = placed(kinds()["Canary"], "ml", "canary")
    (entry,) = keeping(value).entries
    pages = [deployment_page(keeping(value), entry, NOW + timedelta(days=days)) for days in (0, 30)]
    before, after = (page.regions["sections"] for page in pages)
    assert [name for name in before if before[name] != after[name]] == ["decisions"]
    assert json.loads(entry.text)["status"] == value["status"]
