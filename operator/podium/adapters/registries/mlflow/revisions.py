"""Which state a registered model is in, in one word: another one once an alias moves, or versions come, go or change.

MLflow keeps the time at which a version of a model came, went or changed its stage, and lists the aliases with the
model, and its own tags: who claims an alias. Tags of versions, and what runs say, are in none of these.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mlflow import MlflowClient

from podium.adapters.registries.mlflow.claims import PREFIX
from podium.adapters.registries.mlflow.faults import Target, asking
from podium.errors import NotFound, Rejected
from podium.ports import RegistryLogin

FEW: Final = 10  # models that are asked for one by one; a page of all is worth as many of them
TOGETHER: Final = 100  # models that one call asks for, one after the other
_PAGE: Final = 1000  # MLflow's limit


def revision_of(entity: Any) -> str:
    """The revision of a registered model, as MLflow's client has it. Whatever a server may send, it is short."""
    versions = [
        (str(each.version), str(each.status), str(each.last_updated_timestamp)) for each in entity.latest_versions or []
    ]
    aliases = sorted((str(alias), str(version)) for alias, version in (entity.aliases or {}).items())
    claims = sorted((key, value) for key, value in (entity.tags or {}).items() if str(key).startswith(PREFIX))
    text = repr((str(entity.last_updated_timestamp), str(entity.creation_timestamp), sorted(versions), aliases, claims))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def a_page(login: RegistryLogin, token: str | None) -> tuple[Mapping[str, str], str | None]:
    """The next models of all, and where those after them begin; None after the last ones. Blocking."""
    with asking(Target(login, "its registered models", "the list of models")):
        page = _client(login).search_registered_models(max_results=_PAGE, page_token=token)
        return {str(each.name): revision_of(each) for each in page}, page.token or None


def revisions_of(login: RegistryLogin, models: Iterable[str]) -> Mapping[str, str]:
    """The revisions of these models, without those that are not there or not for this login. Blocking."""
    client, found = _client(login), {}
    for model in models:
        try:
            with asking(Target(login, "a registered model", "spec.model.name")):
                found[model] = revision_of(client.get_registered_model(model))
        except (NotFound, Rejected):
            continue  # whoever wants to know why asks for itself
    return found


def _client(login: RegistryLogin) -> MlflowClient:
    return MlflowClient(tracking_uri=login.uri, registry_uri=login.uri)
