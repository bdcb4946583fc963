"""kopf's decorators, and nothing else: how it logs in. Nothing is watched by kopf: it hosts."""

from collections.abc import Awaitable, Callable
from typing import Any

import kopf


def handlers(login: Callable[[], Awaitable[kopf.ConnectionInfo]]) -> kopf.OperatorRegistry:
    """A registry of kopf that can log in, and asks again when its credentials are refused."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def log_in(**_: Any) -> kopf.ConnectionInfo:
        return await login()

    return registry
