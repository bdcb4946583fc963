"""A folder with an MLflow model, logged and registered over MLflow's REST API."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from podium.errors import NotFound, Rejected
from podium.registry.files import PROXY, folder_digest
from podium.registry.registry import Registry
from podium.registry.versions import DIGEST


def publish(
    registry: Registry,
    model: str,
    folder: Path,
    *,
    tags: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    metrics: Mapping[str, float] | None = None,
) -> str:
    """Log the folder's files in a run of their own, register them, and return the version.

    The version has the given tags, and its digest as `podium.dev/digest`. Raises what the registry raises.
    """
    rest, what = registry.rest, f"a version of {model}"
    experiment = _experiment(registry, model)
    run = rest.post("runs/create", what, {"experiment_id": experiment, "run_name": "podium migrate"})
    run_id = str(run["run"]["info"]["run_id"])
    batch = {
        "run_id": run_id,
        "metrics": [{"key": key, "value": value, "timestamp": 0, "step": 0} for key, value in (metrics or {}).items()],
        "params": [{"key": key, "value": value} for key, value in (params or {}).items()],
    }
    rest.post("runs/log-batch", what, batch)
    made = {"experiment_id": experiment, "name": "model", "source_run_id": run_id}
    info = rest.post("logged-models", what, made)["model"]["info"]
    _upload(registry, str(info["artifact_uri"]), folder, what)
    ready = {"model_id": info["model_id"], "status": "LOGGED_MODEL_READY"}
    rest.patch(f"logged-models/{info['model_id']}", what, ready)
    rest.post("runs/update", what, {"run_id": run_id, "status": "FINISHED"})
    return _registered(registry, model, str(info["model_id"]), run_id, {**tags, DIGEST: folder_digest(folder) or ""})


def _registered(registry: Registry, model: str, logged: str, run: str, tags: Mapping[str, str]) -> str:
    try:
        registry.model(model)
    except NotFound:
        registry.rest.post("registered-models/create", f"registered model {model}", {"name": model})
    body = {
        "name": model,
        "source": f"models:/{logged}",
        "model_id": logged,
        "run_id": run,
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }
    found = registry.rest.post("model-versions/create", f"a version of {model}", body)
    return str(found["model_version"]["version"])


def _experiment(registry: Registry, model: str) -> str:
    try:
        found = registry.rest.get("experiments/get-by-name", f"experiment {model}", experiment_name=model)
        return str(found["experiment"]["experiment_id"])
    except NotFound:
        return str(registry.rest.post("experiments/create", f"experiment {model}", {"name": model})["experiment_id"])


def _upload(registry: Registry, location: str, folder: Path, what: str) -> None:
    if urlsplit(location).scheme != "mlflow-artifacts":
        raise Rejected(
            f"could not log {what}: MLflow keeps artifacts at {location}; do: start it with --serve-artifacts"
        )
    root = urlsplit(location).path.strip("/")
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        path = quote(f"{root}/{file.relative_to(folder).as_posix()}")
        registry.rest.put(f"{PROXY}/{path}", what, file.read_bytes())
