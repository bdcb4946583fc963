"""The registry, read as the operator reads it: its address and its login, by what the caller may read.

Where the address is one of the cluster's own, a laptop reaches it by a port-forward and another `address`.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.api.v1alpha1.status import Phase
from podium.controller.workers.registry_request import request_of, uri_of
from podium.core.facts import RegistryState
from podium.errors import PodiumError, Temporary
from podium.ports import ModelDeployment, Registry, RegistryLogin, RegistryQuery

WITHIN: Final = 30.0  # seconds: the digest of a version is one of all its bytes
_PAUSE: Final = 0.2  # seconds between two questions while the digest is made
Opened = Callable[[], AbstractAsyncContextManager[Registry]]


@dataclass(frozen=True)
class Read:
    """What the registry says, or why it could not be read."""

    found: RegistryState | None
    uri: str
    problem: str = ""


@asynccontextmanager
async def opened() -> AsyncIterator[Registry]:
    """MLflow. Raises ModuleNotFoundError where its client is not installed."""
    from podium.adapters.registries.mlflow import MlflowRegistry  # noqa: PLC0415  it takes seconds to import

    registry = MlflowRegistry()
    try:
        yield registry
    finally:
        await registry.close()


async def read(
    md: ModelDeployment, api: Api, own: str, *, address: str | None = None, registry: Opened = opened
) -> Read:
    """Ask for the desired version, the champion's and the model's aliases, with all that gates want to know.

    `own` is the operator's own registry, "" where it is not known; `address` is asked in place of either.
    """
    uri = uri_of(md, own)
    gating = replace(md, status=md.status.model_copy(update={"phase": Phase.GATING}))
    request = request_of(gating, own)
    asked = address or uri
    if not asked or request is None:
        return Read(None, uri, "its address is not known: no spec.registry.uri, and the operator's is not to be read")
    try:
        async with registry() as port:
            mine = address is not None or uri == own
            variables = await _variables(api, port, request.namespace, request.secret_name, mine=mine)
            query = replace(request.query, login=RegistryLogin(asked, variables), record=())
            async with asyncio.timeout(WITHIN):
                return Read(await _patiently(port, query), uri)
    except ModuleNotFoundError as missing:
        return Read(None, uri, f"{missing.name} is not installed; do: pip install 'podium[operator]'")
    except TimeoutError:
        return Read(None, uri, f"no answer within {WITHIN:.0f} s")
    except PodiumError as error:
        return Read(None, uri, str(error))


async def _patiently(registry: Registry, query: RegistryQuery) -> RegistryState:
    """What it says; Temporary is raised while a digest is being made, and asked again."""
    while True:
        try:
            return await registry.query(query)
        except Temporary as error:
            if type(error) is not Temporary:  # Unavailable is another one
                raise
            await asyncio.sleep(_PAUSE)


async def _variables(
    api: Api, registry: Registry, namespace: str, secret: str | None, *, mine: bool
) -> Mapping[str, str]:
    """The login of the Secret that the spec names; without one, that of this process.

    The latter is for the operator's own registry and for the one that the caller named: a file may name any server.
    """
    wanted = registry.login_variables
    if secret is None:
        return {name: os.environ[name] for name in wanted if os.environ.get(name)} if mine else {}
    data = (await api.get(names.path(names.SECRETS, namespace, secret))).get("data") or {}
    return {name: base64.b64decode(data[name]).decode(errors="replace") for name in wanted if data.get(name)}
