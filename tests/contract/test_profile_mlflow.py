"""The training profile on a real MLflow: it is a file of the model, before its version is registered."""

from pathlib import Path
from uuid import uuid4

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

from podium import profile
from podium.core.drift.profile import FILE, Profile
from podium.errors import NotFound, Rejected
from podium.runtime.settings import Settings
from tests.contract.test_snapshots_mlflow import client

__all__ = ["client"]  # the process's own tracking URI, as a person's notebook has it
pytestmark = pytest.mark.filterwarnings("ignore")  # scikit-learn and pandas warn of each other

TABLE = pd.DataFrame({"age": [float(20 + row % 60) for row in range(400)], "visits": [row % 7 for row in range(400)]})
CHURNED = TABLE["visits"] < 3


def logged(**more: object) -> str:
    model = LogisticRegression().fit(TABLE, CHURNED)
    mlflow.set_experiment(f"profiles-{uuid4().hex[:8]}")
    signature = mlflow.models.infer_signature(TABLE, CHURNED)
    info = mlflow.sklearn.log_model(model, name="model", **{"signature": signature, **more})
    return str(info.model_id)


def test_a_profile_comes_to_the_model_server_with_the_model(client: MlflowClient, tmp_path: Path) -> None:
    model = logged()
    made = profile.log(TABLE, model_id=model, predictions=CHURNED)
    assert [one.name for one in made.all] == ["age", "visits", "predictions"]
    name = f"churn-{uuid4().hex[:8]}"
    mlflow.register_model(f"models:/{model}", name)
    fetched = mlflow.artifacts.download_artifacts(f"models:/{name}/1", dst_path=str(tmp_path))
    assert Profile.read(Path(fetched, FILE).read_text()) == made
    from podium.runtime.loading.load import load  # noqa: PLC0415  MLflow warns of its own types when it is imported

    loaded = load(Settings.from_environment({"PODIUM_MODEL_URI": f"models:/{name}/1"}))
    assert loaded.identity.version == "1"


def test_without_an_id_it_is_the_model_that_was_logged_last(client: MlflowClient) -> None:
    model = logged()
    made = profile.log(TABLE, features=["age"])
    assert [one.name for one in made.all] == ["age"]
    assert FILE in [file.path for file in client.list_logged_model_artifacts(model)]


def test_the_files_of_a_version_that_is_registered_are_left_as_they_are(client: MlflowClient) -> None:
    name = f"churn-{uuid4().hex[:8]}"
    model = logged(registered_model_name=name)
    with pytest.raises(Rejected, match=f"registered already, as {name} version 1"):
        profile.log(TABLE, model_id=model)
    assert FILE not in [file.path for file in client.list_logged_model_artifacts(model)]


def test_a_model_that_is_not_there_or_has_no_signature_is_refused(client: MlflowClient) -> None:
    with pytest.raises(NotFound, match="could not read the model m-0123"):
        profile.log(TABLE, model_id="m-0123")
    with pytest.raises(Rejected, match="the id of a LoggedModel, m-"):
        profile.log(TABLE, model_id="")
    with pytest.raises(Rejected, match="has no signature of named columns"):
        profile.log(TABLE, model_id=logged(signature=False))
    with pytest.raises(Rejected, match="'salary' is no input of m-"):
        profile.log(TABLE, model_id=logged(), features=["salary"])
