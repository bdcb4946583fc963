import pytest

from podium.adapters.registries.mlflow import LOGIN_VARIABLES
from podium.controller.settings import Settings
from podium.errors import Rejected


def test_the_defaults_are_those_of_a_pod() -> None:
    settings = Settings.from_environment({}, in_cluster=True)
    assert (settings.scrape, settings.leader_election, settings.log_format) == ("direct", True, "json")
    assert settings.watched == ()


def test_from_a_shell_pods_are_reached_through_the_api_server() -> None:
    assert Settings.from_environment({}, in_cluster=False).scrape == "proxy"


def test_every_setting_can_be_said() -> None:
    settings = Settings.from_environment(
        {
            "PODIUM_REGISTRY_URI": "http://mlflow.ml:5000",
            "PODIUM_RUNTIME_IMAGE": "server:1",
            "PODIUM_REGISTRY_POLL": "1m30s",
            "PODIUM_CLUSTER_ID": "eu-1",
            "PODIUM_POD_USER": "assigned",
            "PODIUM_NAMESPACE": "ops",
            "PODIUM_POD_NAME": "operator-1",
            "PODIUM_WATCH_NAMESPACES": "ml, fraud",
            "PODIUM_LEADER_ELECTION": "off",
            "PODIUM_SCRAPE": "direct",
            "PODIUM_PROMETHEUS_URI": "https://metrics.example.com/prometheus",
            "PODIUM_RESYNC": "10s",
            "PODIUM_WORKERS": "2",
            "PODIUM_SHARDS": "4",
            "PODIUM_TEMPLATE_BUDGET": "3",
            "PODIUM_HTTP_PORT": "0",
            "PODIUM_LOG_FORMAT": "text",
            "PODIUM_LOG_LEVEL": "DEBUG",
            "MLFLOW_TRACKING_TOKEN": "secret",
        },
        login_variables=LOGIN_VARIABLES,
    )
    assert settings.registry_uri == "http://mlflow.ml:5000"
    assert (settings.registry_poll, settings.resync, settings.workers) == (90.0, 10.0, 2)
    assert (settings.template_budget, settings.shards) == (3, 4)
    assert (settings.cluster_id, settings.pod_user) == ("eu-1", None)
    assert settings.prometheus_uri == "https://metrics.example.com/prometheus"
    assert settings.watched == ("ml", "fraud")
    assert settings.identity.startswith("operator-1_")
    assert not settings.leader_election
    assert settings.registry_login == {"MLFLOW_TRACKING_TOKEN": "secret"}
    assert "secret" not in repr(settings)


def test_two_processes_on_one_machine_are_two_candidates() -> None:
    assert Settings.from_environment({}).identity != Settings.from_environment({}).identity


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PODIUM_REGISTRY_POLL", "soon"),
        ("PODIUM_RESYNC", "0s"),
        ("PODIUM_CLUSTER_ID", "eu/1"),
        ("PODIUM_POD_USER", "0"),
        ("PODIUM_POD_USER", "root"),
        ("PODIUM_WORKERS", "-1"),
        ("PODIUM_SHARDS", "0"),
        ("PODIUM_SHARDS", "65"),
        ("PODIUM_WORKERS", "0"),
        ("PODIUM_WORKERS", "1001"),
        ("PODIUM_WORKERS", "9" * 100),
        ("PODIUM_HTTP_PORT", "65536"),
        ("PODIUM_HTTP_PORT", "http"),
        ("PODIUM_LEADER_ELECTION", "maybe"),
        ("PODIUM_SCRAPE", "guess"),
        ("PODIUM_LOG_FORMAT", "xml"),
        ("PODIUM_PROMETHEUS_URI", "prometheus:9090"),
        ("PODIUM_PROMETHEUS_URI", "http://"),
    ],
)
def test_a_setting_that_cannot_be_understood_is_named(name: str, value: str) -> None:
    with pytest.raises(Rejected, match=f"{name}: .*{value}"):
        Settings.from_environment({name: value})


def test_an_address_with_a_login_is_refused_and_not_repeated() -> None:
    with pytest.raises(Rejected, match="PODIUM_PROMETHEUS_URI: expected an address without a login") as refused:
        Settings.from_environment({"PODIUM_PROMETHEUS_URI": "http://ann:secret@prometheus:9090"})
    assert "secret" not in str(refused.value)
