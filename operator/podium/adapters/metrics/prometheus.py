"""Totals from Prometheus, or from anything that has its HTTP API: one instant query each, all at once.

A query must give exactly one sample, a finite number that is not below zero. Whatever else comes is no total, and is
told as a flaw that a person can act on: missing data holds.
https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

import asyncio
import json
import math
from collections.abc import Sequence
from typing import Any, Final

import aiohttp

from podium.adapters.kubernetes.api import read_at_most
from podium.adapters.kubernetes.errors import FOREIGN, from_exception
from podium.ports import Totals

TIMEOUT: Final = 0.7  # seconds; looks are a second apart
LIMIT: Final = 64 * 1024  # bytes of an answer that are read; one sample with many labels has less than a tenth
_AT_ONCE: Final = 16
_QUOTED: Final = 300  # characters of what Prometheus says that go into a message


class Prometheus:
    """Implements the port MetricsStore. `uri` is where `/api/v1` is, such as http://prometheus.monitoring:9090."""

    def __init__(self, uri: str) -> None:
        self._url = f"{uri.rstrip('/')}/api/v1/query"
        self._session: aiohttp.ClientSession | None = None

    async def totals(self, queries: Sequence[str]) -> Totals:
        distinct, places = tuple(dict.fromkeys(queries)), asyncio.Semaphore(_AT_ONCE)
        answers = await asyncio.gather(*(self._ask(query, places) for query in distinct))
        by_query = dict(zip(distinct, answers, strict=True))
        return Totals(
            values={query: answer for query, answer in by_query.items() if isinstance(answer, float)},
            flaws={query: answer for query, answer in by_query.items() if isinstance(answer, str)},
        )

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, query: str, places: asyncio.Semaphore) -> float | str:
        """The total, or why there is none. The time runs from the beginning, waiting for a place included."""
        form = {"query": query, "timeout": f"{TIMEOUT}"}
        try:
            async with (
                asyncio.timeout(TIMEOUT),
                places,
                self._open().post(self._url, data=form, allow_redirects=False) as answer,
            ):
                return total(await read_at_most(answer.content, LIMIT))
        except NotATotal as flaw:
            return f"Prometheus answered {answer.status}: {flaw}"
        except TimeoutError:
            return f"POST {self._url}: no answer within {TIMEOUT:g} s"
        except FOREIGN as error:
            return str(from_exception(error, f"POST {self._url}"))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:  # a session wants a running loop
            self._session = aiohttp.ClientSession(trust_env=False)
        return self._session


class NotATotal(Exception):
    """An answer that is no total; says what was expected and found."""


def total(body: bytes) -> float:
    """The one sample of an answer. Raises NotATotal."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise NotATotal(f"expected a response of its API, found {_short(body.decode(errors='replace'))!r}") from None
    response = answer if isinstance(answer, dict) else {}
    if response.get("status") != "success":
        raise NotATotal(f"{_short(response.get('errorType', 'no success'))}: {_short(response.get('error', answer))}")
    # With a warning, the data may be a part of all: read from some replicas, or without a remote store. A sum that
    # falls and rises again would be counted as new answers.
    if response.get("warnings"):
        raise NotATotal(f"expected a response without warnings, found {_short(response['warnings'])}")
    return _number(_sample(response.get("data")))


def _sample(data: Any) -> Any:
    """The one sample's value as Prometheus writes it: a text."""
    kind, result = (data.get("resultType"), data.get("result")) if isinstance(data, dict) else (None, None)
    if kind == "scalar" and isinstance(result, list):
        return result[-1] if result else None
    if kind == "matrix":
        raise NotATotal("expected one sample, found a matrix: a total has no range such as [5m]")
    if kind != "vector" or not isinstance(result, list):
        raise NotATotal(f"expected one sample, found resultType {_short(kind)}")
    if len(result) != 1:
        found = (
            f"{len(result)} samples: put sum() around it"
            if result
            else "none: no series has that name and these labels"
        )
        raise NotATotal(f"expected one sample, found {found}")
    pair = result[0].get("value") if isinstance(result[0], dict) else None
    return pair[-1] if isinstance(pair, list) and pair else None


def _number(text: Any) -> float:
    try:
        number = float(text) if isinstance(text, str) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise NotATotal(f"expected a number of answers, found {_short(text)}")
    return number


def _short(text: object) -> str:
    return " ".join(str(text).split())[:_QUOTED]
