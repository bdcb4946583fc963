"""An API server in memory, in which churn's pod is an endpoint, and the routers beside it."""

from collections.abc import AsyncIterator

import pytest

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.adapters.routers.choice import Routers
from podium.testing import FakeClock
from tests.unit.adapters.api_in_memory import Objects, served
from tests.unit.adapters.churn import SLICES


@pytest.fixture
def objects() -> Objects:
    kept = Objects()
    kept.kept[SLICES] = {"items": [{"endpoints": [{"targetRef": {"uid": "u-a"}}]}]}
    kept.kept[names.GATEWAY_API] = {"kind": "APIResourceList"}
    return kept


@pytest.fixture
async def api(objects: Objects) -> AsyncIterator[Api]:
    async with served(objects) as found:
        yield found


@pytest.fixture
def routers(api: Api) -> Routers:
    return Routers(api, FakeClock())
