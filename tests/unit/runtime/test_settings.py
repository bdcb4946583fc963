"""Settings come from the environment, and a wrong one is refused by its name."""

import pytest

from podium.runtime.exits import Exit, StartError
from podium.runtime.other_slot import OtherSlot
from podium.runtime.settings import Settings

MODEL = {"PODIUM_MODEL_URI": "models:/churn/7"}


def test_the_model_is_all_that_must_be_said() -> None:
    settings = Settings.from_environment(MODEL)
    assert (settings.references[0].text, settings.port, settings.drain_seconds) == ("models:/churn/7", 8080, 5.0)


def test_empty_variables_are_as_good_as_unset() -> None:
    assert Settings.from_environment({**MODEL, "PODIUM_PORT": "", "PODIUM_MODEL_DIGEST": ""}).digest is None


def test_latency_edges_are_read_in_seconds() -> None:
    settings = Settings.from_environment({**MODEL, "PODIUM_LATENCY_EDGES": "0.05, 0.12,0.5"})
    assert settings.latency_edges == (0.05, 0.12, 0.5)


def test_the_limits_of_guards_are_edges_too() -> None:
    given = {**MODEL, "PODIUM_LATENCY_EDGES": "0.05,0.5", "PODIUM_LATENCY_LIMITS": "0.12,0.5"}
    assert Settings.from_environment(given).latency_edges == (0.05, 0.12, 0.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PODIUM_PORT", "eighty"),
        ("PODIUM_PORT", "1.5"),
        ("PODIUM_PORT", "99999"),
        ("PODIUM_THREADS", "1000000"),
        ("PODIUM_THREADS", "0"),
        ("PODIUM_PROCESSES", "0"),
        ("PODIUM_PROCESSES", "-1"),
        ("PODIUM_PROCESSES", "many"),
        ("PODIUM_PROCESSES", "65"),
        ("PODIUM_REQUEST_SECONDS", "0"),
        ("PODIUM_BODY_SECONDS", "0"),
        ("PODIUM_SEND_SECONDS", "0.0"),
        ("PODIUM_IDLE_SECONDS", "0"),
        ("PODIUM_QUEUE_LIMIT", "0"),
        ("PODIUM_MAX_BODY_BYTES", "0"),
        ("PODIUM_MAX_BUFFERED_BYTES", "1000"),
        ("PODIUM_MAX_CONNECTIONS", "0"),
        ("PODIUM_MAX_BATCH_ROWS", "0"),
        ("PODIUM_STALL_SECONDS", "59"),
        ("PODIUM_PREDICTION_LOG_BODIES", "2"),
        ("PODIUM_STALL_SECONDS", "1e300"),
        ("PODIUM_DRAIN_SECONDS", "-1"),
        ("PODIUM_DRAIN_SECONDS", "nan"),
        ("PODIUM_LATENCY_EDGES", "0.5,0.1"),
        ("PODIUM_LATENCY_EDGES", "fast"),
        ("PODIUM_LATENCY_EDGES", "0,1"),
        ("PODIUM_RELOAD_HOOK", "file:///etc/passwd"),
        ("PODIUM_RELOAD_HOOK", "cache.ml/purge"),
        ("PODIUM_MODEL_DIGEST", "sha256:7"),
        ("PODIUM_MODEL_DIGEST", f"sha256:{'A' * 64}"),
        ("PODIUM_PREVIEW_HEADER", "a b"),
        ("PODIUM_PREVIEW_HEADER", "x-é"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(
        StartError, match=f"{name}: expected .*, found '{value}'; correct it, or leave it out"
    ) as refused:
        Settings.from_environment({**MODEL, name: value})
    assert refused.value.exit_code is Exit.BAD_SETTINGS


@pytest.mark.parametrize(
    "given",
    [
        {"PODIUM_DRAIN_SECONDS": "0", "PODIUM_STALL_SECONDS": "0", "PODIUM_PORT": "0"},
        {"PODIUM_STALL_SECONDS": "60"},
        {"PODIUM_REQUEST_SECONDS": "0.5", "PODIUM_STALL_SECONDS": "0.5"},
        {"PODIUM_MAX_BODY_BYTES": "1000000000"},  # all bodies together may take as much, then
    ],
)
def test_the_ends_of_ranges_are_settings(given: dict[str, str]) -> None:
    assert Settings.from_environment({**MODEL, **given}).stall_seconds >= 0.5


def test_no_model_is_refused() -> None:
    with pytest.raises(StartError, match="PODIUM_MODEL_URI is not set"):
        Settings.from_environment({})


@pytest.mark.parametrize(("value", "port"), [("8081", 8081), ("0", 0), ("tcp://10.0.0.1:80", None), ("", None)])
def test_a_port_for_grpc_is_told_from_the_address_of_a_service(value: str, port: int | None) -> None:
    read = Settings.from_environment({"PODIUM_MODEL_URI": "models:/churn/1", "PODIUM_GRPC_PORT": value})
    assert read.grpc_port == port


def test_threads_are_no_setting_of_several_processes() -> None:
    assert Settings.from_environment({**MODEL, "PODIUM_THREADS": "2", "PODIUM_PROCESSES": "1"}).threads == 2
    with pytest.raises(StartError) as found:
        Settings.from_environment({**MODEL, "PODIUM_THREADS": "2", "PODIUM_PROCESSES": "2"})
    assert found.value.reason == (
        "PODIUM_THREADS: expected no value beside PODIUM_PROCESSES, each of which predicts alone, found '2'; "
        "correct it, or leave it out for the default"
    )


BESIDE = {**MODEL, "PODIUM_TRIAL_NUMBER": "2"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (MODEL, None),
        (BESIDE, OtherSlot(2)),
        ({**BESIDE, "PODIUM_FALLBACK_URL": "http://churn-b"}, OtherSlot(2, "churn-b", fallback=True)),
        ({**BESIDE, "PODIUM_SHADOW_URL": "http://churn-b:8080"}, OtherSlot(2, "churn-b", 8080, fallback=False)),
    ],
)
def test_the_other_slot_is_known_with_a_fallback_and_without(given: dict[str, str], expected: OtherSlot | None) -> None:
    assert Settings.from_environment(given).other_slot == expected


@pytest.mark.parametrize(
    "given",
    [
        {**MODEL, "PODIUM_SHADOW_URL": "http://churn-b"},
        {**BESIDE, "PODIUM_SHADOW_URL": "https://churn-b"},
        {**BESIDE, "PODIUM_SHADOW_URL": "http://churn-b/path"},
        {**BESIDE, "PODIUM_SHADOW_URL": "http://churn-b", "PODIUM_FALLBACK_URL": "http://churn-b"},
    ],
)
def test_a_place_for_copies_that_cannot_be_one_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(StartError) as refused:
        Settings.from_environment(given)
    assert refused.value.exit_code is Exit.BAD_SETTINGS
