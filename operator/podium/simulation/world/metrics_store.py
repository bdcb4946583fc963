"""A metrics store in memory: the samples of each query are put there by the test."""

import math
from collections.abc import Sequence

from podium.ports import Totals


class FakeMetricsStore:
    """Implements the port MetricsStore."""

    def __init__(self) -> None:
        self._samples: dict[str, tuple[float, ...]] = {}
        self.reachable = True

    def put(self, query: str, *samples: float) -> None:
        """From now on this query gives these samples."""
        self._samples[query] = samples

    async def totals(self, queries: Sequence[str]) -> Totals:
        flaws = {query: flaw for query in queries if (flaw := self._flaw(query))}
        return Totals({query: self._samples[query][0] for query in queries if query not in flaws}, flaws)

    def _flaw(self, query: str) -> str:
        samples = self._samples.get(query, ())
        if not self.reachable:
            return "the metrics store does not answer"
        if len(samples) != 1:
            return f"expected one sample, found {len(samples) or 'none'}"
        right = math.isfinite(samples[0]) and samples[0] >= 0
        return "" if right else f"expected a number of answers, found {samples[0]}"
