"""`podium explain` against an API server: a small one of the test's own, which a kubeconfig leads to."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from click.testing import CliRunner, Result

from podium.cli.main import main

STABLE = yaml.safe_load((Path(__file__).parent / "explained" / "settled.yaml").read_text())
PATH = "/apis/podium.dev/v1alpha1/namespaces/ml/modeldeployments/churn"


class _ApiServer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == PATH and self.headers["Authorization"] == "Bearer secret"
        missing = {"kind": "Status", "reason": "NotFound", "message": f"{self.path} not found"}
        body = json.dumps(STABLE if found else missing).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class calls it
        """Nothing: what was asked is seen in the answer."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _ApiServer) as httpd:
        thread = Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def kubeconfig(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kubeconfig"
    context = {"cluster": "test", "user": "test", "namespace": "ml"}
    written = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": context}],
        "clusters": [{"name": "test", "cluster": {"server": server}}],
        "users": [{"name": "test", "user": {"token": "secret"}}],
    }
    path.write_text(yaml.safe_dump(written))
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def explain(*words: str) -> Result:
    return CliRunner().invoke(main, ["explain", *words])


def test_the_object_is_read_with_the_kubeconfig_from_the_namespace_of_its_context(kubeconfig: Path) -> None:
    result = explain("churn")
    assert result.stdout.startswith("churn in ml: Stable\n"), result.output


def test_another_namespace_can_be_named_and_what_is_not_there_is_told(kubeconfig: Path) -> None:
    result = explain("churn", "--namespace", "other")
    assert result.exit_code == 1
    assert "ModelDeployment churn not found" in result.output
    assert "/namespaces/other/modeldeployments/churn" in result.output


def test_an_api_server_that_does_not_answer_is_told(kubeconfig: Path) -> None:
    kubeconfig.write_text(kubeconfig.read_text().replace("127.0.0.1", "127.0.0.2").replace("http:", "https:"))
    result = explain("churn")
    assert result.exit_code == 1
    assert "could not read churn" in result.output


def test_without_a_kubeconfig_it_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    result = explain("churn")
    assert result.exit_code == 1
    assert "set KUBECONFIG" in result.output


@pytest.mark.parametrize("text", ["", "hello\n", "a: [1\n"])
def test_a_file_that_is_no_kubeconfig_is_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty one ended in a traceback."""
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(path))
    result = explain("churn")
    assert result.exit_code == 1
    assert f"could not read churn: {path} is no kubeconfig (" in result.output
    assert "do: set KUBECONFIG" in result.output
