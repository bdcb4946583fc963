"""With which login a registry is asked: a Secret's, or the operator's own, for the operator's own registry only."""

from collections.abc import Mapping, Sequence

from podium.api.v1alpha1 import reasons
from podium.controller.settings import Settings
from podium.controller.workers.registry_request import Account
from podium.errors import NotFound
from podium.ports import Cluster, RegistryLogin


class RegistryLogins:
    """Read where they are needed: a Secret may be rotated at any moment."""

    def __init__(self, cluster: Cluster, settings: Settings, variables: Sequence[str]) -> None:
        """`variables` are the keys of a Secret that make a login."""
        self._cluster = cluster
        self._settings = settings
        self._variables = variables

    async def of(self, account: Account) -> RegistryLogin:
        """Raises NotFound where there is no registry, or no login in the Secret, and what reading the Secret raises."""
        uri = account.uri or self._settings.registry_uri
        if not uri:
            raise NotFound(
                "no registry configured: set spec.registry.uri, or PODIUM_REGISTRY_URI of the operator",
                reason=reasons.REGISTRY_ERROR,
            )
        own = uri == self._settings.registry_uri
        foreign = account.networks is not None and not own
        # The operator's own login is for the operator's own registry: a ModelDeployment may name any server.
        ambient = own and account.secret_name is None
        variables = self._settings.registry_login if ambient else await self._secret(account)
        return RegistryLogin(uri, variables, account.networks, foreign, account.tenant, ambient)

    async def _secret(self, account: Account) -> Mapping[str, str]:
        if account.secret_name is None:
            return {}
        where = f"Secret {account.namespace}/{account.secret_name} (spec.registry.secretName)"
        try:
            found = await self._cluster.secret(account.namespace, account.secret_name)
        except NotFound as error:
            raise NotFound(f"{where} not found: create it", reason=reasons.LOGIN_MISSING) from error
        kept = {name: found[name] for name in self._variables if found.get(name)}
        if not kept:
            keys = ", ".join(self._variables)
            raise NotFound(f"{where} has none of the keys {keys}: add them", reason=reasons.LOGIN_MISSING)
        return kept
