"""Whatever MLflow takes as the name of a registered model is served under it, by each spelling of its path."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import mlflow
import pytest
from pydantic import TypeAdapter

from podium.api.v1alpha1.spec.model import ModelName
from tests.contract.test_runtime.asked import served

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

NAMES = [
    "50%",
    "a%2Fb",
    "a?b",
    "c#d",
    "x@y",
    "Größe Modell (v2)!",
    "it's",
    "q?x=1&y#z@w%41",
    "$(HOME)",
    "a.b~c*",
    "%zz",
]


class One(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, context: object, model_input: object, params: object = None) -> list[int]:
        return [1]


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("names")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/m.db")
    experiment = mlflow.create_experiment("names", str(folder / "artifacts"))
    with mlflow.start_run(experiment_id=experiment):
        uri = str(mlflow.pyfunc.log_model(name="m", python_model=One(), pip_requirements=[]).model_uri)
    yield uri
    mlflow.set_tracking_uri(before)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_mlflow_takes_is_taken_by_the_crd_and_served(name: str, logged: str) -> None:
    assert TypeAdapter(ModelName).validate_python(name) == name
    mlflow.register_model(logged, name)
    with served(Path(f"models:/{name}/1")) as server:
        assert server.name == name
        for spelling in spellings(name):
            assert server.get(f"/v2/models/{spelling}/versions/1/ready")[0] == 200, spelling
            status, _ = server.post(f"/v2/models/{spelling}/infer", {"inputs": []})
            assert status == 400, spelling  # found, and its body refused


def spellings(name: str) -> set[str]:
    """As RFC 3986 has them (6.2.2): all but unreserved encoded, as JavaScript does, and in lower case."""
    strict = quote(name, safe="")
    lower = re.sub("%[0-9A-F]{2}", lambda digits: digits.group().lower(), strict)
    return {strict, quote(name, safe="()!'*"), lower}


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "a:b", " a"])
def test_a_name_that_mlflow_or_its_uris_refuse_is_refused_by_the_crd(name: str) -> None:
    with pytest.raises(ValueError, match=r"string|must not be"):
        TypeAdapter(ModelName).validate_python(name)
