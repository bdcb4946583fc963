"""A browser of few means: it asks the page in this process, keeps cookies, and follows no redirect."""

import asyncio
from typing import Any

import httpx
from starlette.types import ASGIApp


class Browser:
    """Asks an application as if it listened on 127.0.0.1:8910/key. Headers given replace its own."""

    def __init__(self, app: ASGIApp, cookies: dict[str, str], *, raises: bool = True) -> None:
        self.app = app
        self.cookies = httpx.Cookies(cookies)
        self._raises = raises

    def get(self, address: str, **asked: Any) -> httpx.Response:
        """The answer to GET."""
        return self.request("GET", address, **asked)

    def request(self, method: str, address: str, **asked: Any) -> httpx.Response:
        """The answer, whole."""
        return asyncio.run(self._answer(method, address, **asked))

    async def _answer(self, method: str, address: str, **asked: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=self._raises)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8910/key", cookies=self.cookies
        ) as client:
            answer = await client.request(method, address, **asked)
            self.cookies = client.cookies
            return answer
