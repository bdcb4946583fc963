"""Who may write an alias, kept as a tag of the registered model. Blocking: for use in a thread.

MLflow writes a tag without a condition on what was there. So each write is between two reads: of two that claim at the
same moment the last one has it, and the other one finds that out before it writes the alias.
"""

import hashlib
from typing import Any, Final

from mlflow import MlflowClient

from podium.adapters.registries.mlflow.faults import Target, asking
from podium.adapters.registries.mlflow.plain_text import plain
from podium.api.v1alpha1 import reasons
from podium.core.alias_owner import LONGEST, owner_named
from podium.errors import NotFound, Rejected
from podium.ports import RegistryLogin

PREFIX: Final = "podium.dev/alias-owner."
_LONGEST_KEY: Final = 250  # MLflow's own limit


def claim_key(alias: str) -> str:
    """The tag that says who writes the alias."""
    key = PREFIX + alias
    return key if len(key) <= _LONGEST_KEY else PREFIX + hashlib.sha256(alias.encode()).hexdigest()


def claim_of(entity: Any, alias: str) -> str:
    """Who claims the alias of a registered model, "" where no one does. Whatever a server may send, it is short."""
    return str((entity.tags or {}).get(claim_key(alias), ""))[: LONGEST + 1]


def claim(login: RegistryLogin, model: str, alias: str, owner: str, replaces: str) -> None:
    """Claim the alias. Raises NotFound, Rejected or Unavailable, see the port."""
    client, target = _client(login), target_of(login, model, alias)
    with asking(target):
        if (found := claim_of(client.get_registered_model(model), alias)) == owner:
            return
        if found != replaces:
            raise _conflict(target, found)
        client.set_registered_model_tag(model, claim_key(alias), owner)
        if (found := claim_of(client.get_registered_model(model), alias)) != owner:
            raise _conflict(target, found)


def release(login: RegistryLogin, model: str, alias: str, owner: str) -> None:
    """Give the claim back, where it is this owner's. Raises Rejected or Unavailable."""
    client = _client(login)
    try:
        with asking(target_of(login, model, alias)):
            if claim_of(client.get_registered_model(model), alias) == owner:
                client.delete_registered_model_tag(model, claim_key(alias))
    except NotFound:
        return


def refuse_others(login: RegistryLogin, model: str, alias: str, owner: str) -> None:
    """Raises Rejected where not this owner has claimed the alias, right now."""
    target = target_of(login, model, alias)
    with asking(target):
        found = claim_of(_client(login).get_registered_model(model), alias)
    if found != owner:
        raise _conflict(target, found)


def target_of(login: RegistryLogin, model: str, alias: str) -> Target:
    """The claim, in words for messages."""
    what = f'the claim of alias {plain(alias)} of registered model "{plain(model)}"'
    return Target(login, what, "spec.registry.aliases", reasons.MODEL_NOT_FOUND, "Register it, or fix the name")


def _conflict(target: Target, found: str) -> Rejected:
    """What is no claim of Podium's is not repeated."""
    by = f"is {found}'s by now" if owner_named(found) else "is a tag that Podium cannot read" if found else "is gone"
    return Rejected(f"{target.what} in {target.place} {by}", reason=reasons.ALIAS_CONFLICT)


def _client(login: RegistryLogin) -> MlflowClient:
    return MlflowClient(tracking_uri=login.uri, registry_uri=login.uri)
