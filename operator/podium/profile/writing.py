"""`log`: the profile of a table becomes a file of a model that MLflow has."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from podium.core.drift.profile import FILE, Kind, Profile
from podium.errors import Rejected
from podium.profile.making import profile_of
from podium.snapshots.tracking import doing, mlflow

_KINDS: Final[dict[str, Kind]] = {
    "double": "number",
    "float": "number",
    "long": "number",
    "integer": "number",
    "boolean": "category",
    "string": "category",
}


def log(
    data: Any, *, model_id: str | None = None, predictions: Any = None, features: Sequence[str] | None = None
) -> Profile:
    """Profile the training data, and keep the profile with the model: before its version is registered.

    `data`: a pandas DataFrame with the inputs of the model's signature. `model_id`: of the LoggedModel; None: the last
    one that this process logged. `predictions`: what the model predicts for these rows, in any form that it answers in;
    the first column counts. `features`: which inputs are watched; None: all that are numbers, texts or booleans.

    Raises NotFound where the model is not there; Rejected where it has no signature of named columns, where the data do
    not fit it, where its version is registered already, and where MLflow refuses; Unavailable.
    """
    module = mlflow()
    client = module.MlflowClient()
    model = _model(module, client, model_id)
    with doing(f"read the signature of {model}"):
        signature = module.models.get_model_info(f"models:/{model}").signature
    made = profile_of(data, _kinds(model, signature, features), predictions)
    _refuse_registered(client, model)
    with doing(f"write the training profile of {model}"), TemporaryDirectory(prefix="podium-profile-") as folder:
        path = Path(folder, FILE)
        path.write_text(made.text, encoding="utf-8")
        client.log_model_artifact(model, str(path))
    return made


def _model(module: Any, client: Any, model_id: str | None) -> str:
    if model_id is None:
        last = module.last_logged_model()
        if last is None:
            raise Rejected("no model was logged in this process; expected: model_id, the id of a LoggedModel")
        return str(last.model_id)
    if not isinstance(model_id, str) or not model_id.startswith("m-"):
        raise Rejected(f"model_id is {model_id!r}; expected: the id of a LoggedModel, m-…")
    with doing(f"read the model {model_id}", "Log the model first: log_model returns its model_id"):
        return str(client.get_logged_model(model_id).model_id)


def _kinds(model: str, signature: Any, features: Sequence[str] | None) -> dict[str, Kind]:
    schema = getattr(signature, "inputs", None)
    if schema is None or schema.is_tensor_spec() or not schema.has_input_names():
        raise Rejected(
            f"{model} has no signature of named columns; required for a training profile. "
            "Log it with signature=mlflow.models.infer_signature(data, predictions)"
        )
    known = {
        str(each.name): _KINDS[each.type.name] for each in schema.inputs if getattr(each.type, "name", "") in _KINDS
    }
    if features is None:
        return known
    if unknown := [name for name in features if name not in known]:
        raise Rejected(
            f"features: {unknown[0]!r} is no input of {model} that is a number, a text or a boolean; "
            f"expected some of: {', '.join(list(known)[:20])}"
        )
    return {name: known[name] for name in features}


def _refuse_registered(client: Any, model: str) -> None:
    """A version's files are pinned by their digest: one more file would make another version of it."""
    with doing(f"read whether {model} is registered"):
        found = client.search_model_versions(f"source_path = 'models:/{model}'", max_results=1)
    for version in found:
        raise Rejected(
            f"{model} is registered already, as {version.name} version {version.version}; expected: not yet. Log the "
            "model again without registered_model_name, then its profile, and register it after that"
        )
