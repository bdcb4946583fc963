"""How predictions are spread, from a stream of them: counts of labels, or quantiles of numbers."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LABELS = 20  # different values beyond which numbers are numbers and no labels
SAMPLE = 20_000  # values from which quantiles are estimated
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Distribution:
    """Of one column of predictions."""

    def __init__(self) -> None:
        self.count = 0
        self.missing = 0  # null, NaN or infinite
        self._labels: Counter[Any] | None = Counter()
        self._sum = 0.0
        self._low, self._high = float("inf"), float("-inf")
        self._sample = np.empty(0)
        self._random = np.random.default_rng(0)

    def add(self, values: pa.ChunkedArray) -> None:
        """Count these predictions."""
        self.count += len(values)
        if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
            self._add_numbers(values.to_numpy().astype(np.float64))
            return
        self.missing += values.null_count
        if self._labels is not None and not pa.types.is_nested(values.type):
            counts = pc.value_counts(values.drop_null())
            texts = [str(value) for value in counts.field("values").to_pylist()]
            self._count_labels(texts, counts.field("counts").to_pylist())

    def _add_numbers(self, numbers: "np.ndarray[Any, np.dtype[np.float64]]") -> None:
        finite = numbers[np.isfinite(numbers)]
        self.missing += len(numbers) - len(finite)
        if not len(finite):
            return
        self._sum += float(finite.sum())
        self._low, self._high = min(self._low, float(finite.min())), max(self._high, float(finite.max()))
        if self._labels is not None:
            labels, counts = np.unique(finite, return_counts=True)
            self._count_labels(labels.tolist(), counts.tolist())
        drawn = self._random.choice(finite, min(len(finite), SAMPLE // 10), replace=False)
        self._sample = np.concatenate([self._sample, drawn])
        if len(self._sample) > SAMPLE:
            self._sample = self._random.choice(self._sample, SAMPLE, replace=False)

    def _count_labels(self, labels: list[Any], counts: list[int]) -> None:
        assert self._labels is not None
        if len(labels) <= LABELS:
            self._labels.update(dict(zip(labels, counts, strict=True)))
        if len(labels) > LABELS or len(self._labels) > LABELS:
            self._labels = None

    def summary(self) -> dict[str, Any]:
        """Return counts of labels where there are few, and otherwise mean, extremes and estimated quantiles."""
        found: dict[str, Any] = {"count": self.count, "missing": self.missing}
        if self._labels:
            found["labels"] = {
                f"{label:g}" if isinstance(label, float) else label: n
                for label, n in sorted(self._labels.items(), key=lambda item: str(item[0]))
            }
        elif len(self._sample):
            found |= {"mean": self._sum / (self.count - self.missing), "min": self._low, "max": self._high}
            found |= {f"p{round(q * 100)}": float(np.quantile(self._sample, q)) for q in QUANTILES}
        return found
