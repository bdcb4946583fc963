"""Totals that others count, such as Prometheus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Totals:
    """What a metrics store says now, by query. A query has a value or a flaw, which says why it has none."""

    values: Mapping[str, float]
    flaws: Mapping[str, str]


class MetricsStore(Protocol):
    """Totals that others count, such as Prometheus. It raises nothing: what has no total is missing, and holds."""

    async def totals(self, queries: Sequence[str]) -> Totals:
        """The queries' present values, or why a query has none."""
