"""What the examples of gates ship beside their YAML, run: the inline script of the job, and the webhook's service.

On a cluster they are run by tests/e2e/test_gates.py.
"""

import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from typing import Any

import mlflow
import pandas as pd
import pytest
import yaml

from podium.adapters.registries.mlflow.logins import logged_in
from podium.adapters.webhooks.http import HttpWebhooks
from podium.api.v1alpha1.status import Pinned
from podium.core.facts import Key
from podium.errors import Rejected
from podium.ports import WebhookCall
from tests.contract.registry_worlds import EDITOR, MlflowWorld, login
from tests.contract.test_gates_mlflow import AGE, Shop, mlmodel, registry, shop, states
from tests.yaml_files import ROOT

__all__ = ["registry", "shop"]  # fixtures


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The example's service, which allows version 7."""
    spec = importlib.util.spec_from_file_location("service", ROOT / "examples" / "15-webhook" / "service.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.Review, "log_message", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["service.py", "7"])
    monkeypatch.setenv("AUTHORIZATION", "Bearer of-the-board")
    with ThreadingHTTPServer(("127.0.0.1", 0), module.Review) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/podium"
        server.shutdown()
        thread.join()


@pytest.fixture
async def webhooks() -> AsyncIterator[HttpWebhooks]:
    made = HttpWebhooks()
    yield made
    await made.close()


def call(url: str, version: str, authorization: str | None = "Bearer of-the-board") -> WebhookCall:
    challenger = Pinned(version=version, digest="sha256:7", slot="b")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return WebhookCall(url, 5, authorization, "q", Key("ml", "churn"), "review", "churn", challenger, None, "", now)


async def test_the_service_allows_the_versions_on_its_list(service: str, webhooks: HttpWebhooks) -> None:
    verdict = await webhooks.ask(call(service, "7"))
    assert (verdict.allowed, verdict.message) == (True, "version 7 is on the list")
    verdict = await webhooks.ask(call(service, "8"))
    assert (verdict.allowed, verdict.message) == (False, "version 8 is not on the list")


async def test_the_service_answers_nobody_without_its_secret(service: str, webhooks: HttpWebhooks) -> None:
    with pytest.raises(Rejected, match="answered 401"):
        await webhooks.ask(call(service, "7", None))


@pytest.mark.parametrize(("column", "code"), [("mean radius", 0), ("another", 1)])
def test_the_jobs_script_looks_at_the_version(shop: Shop, column: str, code: int, tmp_path: Any) -> None:
    version = shop.publish(files=mlmodel({**AGE, "name": column}))
    (file,) = ROOT.glob("examples/14-job/*.yaml")
    (gate,) = yaml.safe_load(file.read_text())["spec"]["gates"]
    said = tmp_path / "termination-log"
    script = gate["job"]["args"][0].replace("/dev/termination-log", str(said))
    variables = {"PODIUM_MODEL_URI": f"models:/{shop.model}/{version}", "MLFLOW_TRACKING_URI": shop.world.uri}
    asker = login(shop.world.uri, EDITOR).variables
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_AUTH"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env={**environment, **variables, **asker},
        check=False,
        timeout=120,
    )
    assert done.returncode == code
    assert said.exists() is bool(code)


@pytest.mark.filterwarnings("ignore")  # MLflow's evaluation uses what pandas will change
async def test_mlflows_own_evaluation_is_linked_to_the_version(shop: Shop, mlflow_world: MlflowWorld) -> None:
    version = shop.publish(files=mlmodel(AGE))
    before = mlflow.get_tracking_uri()
    with logged_in(login(mlflow_world.uri, EDITOR)), mlflow_world.client() as client:
        mlflow.set_tracking_uri(mlflow_world.uri)
        try:
            frame = pd.DataFrame({"age": [1.0, 2.0], "churned": [0.0, 1.0], "said": [0.0, 1.0]})
            data = mlflow.data.from_pandas(frame, name="holdout-2026", targets="churned", predictions="said")
            with mlflow.start_run(experiment_id=client.get_experiment_by_name(shop.model).experiment_id):
                mlflow.models.evaluate(
                    data=data, model_type="regressor", model_id=shop.logged_model(client, version), evaluators="default"
                )
        finally:
            mlflow.set_tracking_uri(before)
    found = await shop.check("11", version)
    assert "it has no metric accuracy_score" in found[0].message, json.dumps(states(found))
