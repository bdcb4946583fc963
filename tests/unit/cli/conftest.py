"""A cluster for the verbs: an API server with the ModelDeployment churn in ml, to which the kubeconfig leads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.api_server import NAMED, TOKEN, ApiServer, serving

EXPLAINED = Path(__file__).parent / "explained"
CHURN = f"{NAMED}/churn"


def saved(file: str, **metadata: Any) -> dict[str, Any]:
    """A saved ModelDeployment as a cluster would have it, with conditions about its generation."""
    value: dict[str, Any] = yaml.safe_load((EXPLAINED / f"{file}.yaml").read_text())
    value["metadata"] |= {
        "uid": "1",
        "generation": value["status"]["observedGeneration"],
        "creationTimestamp": "2026-01-05T08:00:00Z",
        **metadata,
    }
    return value


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with serving() as found:
        yield found


@pytest.fixture
def kubeconfig(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kubeconfig"
    contexts = [
        {"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "ml"}},
        {"name": "bare", "context": {"cluster": "test", "user": "test"}},
    ]
    written = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": contexts,
        "clusters": [{"name": "test", "cluster": {"server": server.url}}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
    }
    path.write_text(yaml.safe_dump(written))
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.fixture
def cluster(server: ApiServer, kubeconfig: Path) -> ApiServer:
    """The API server, with churn in its second step."""
    server.put(CHURN, saved("second_step"))
    return server
