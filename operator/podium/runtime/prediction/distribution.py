"""How the predictions are distributed, so that the operator can compare two versions on the same traffic.

Numbers are counted in buckets whose edges are the same for every version, whatever it predicts: each octave from 2^-20
to 2^40 in 32 equal parts (as HdrHistogram has it: a bucket is at most 1/32 of its value wide), the same below zero,
and zero itself. Classes are counted by name: the first 32 that come up, and all others together.

Counting is cheap where predictions are made: batches are put aside, and counted many at a time.
"""

import logging
import math
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.runtime.prediction.outputs import is_missing
from podium.runtime.prediction.rows import is_by_output

log = logging.getLogger(__name__)

PARTS = 32  # of an octave
LOWEST, HIGHEST = -20, 40  # octaves, as exponents of two
CLASSES = 32  # that are counted by name
LONGEST_NAME = 64  # characters; a longer answer is a text and no class
OTHERS = ""
_RANK = (HIGHEST - LOWEST) * PARTS + 1  # of the last edge, counted from zero, which has rank 0
_ASIDE_BATCHES, _ASIDE_ROWS = 256, 4096  # what waits to be counted, at most


def edge(rank: int) -> float:
    """Return the edge of a rank, from -1921 to 1921; those below zero mirror those above."""
    octave, part = divmod(abs(rank) - 1, PARTS)
    size = 0.0 if rank == 0 else (1 + part / PARTS) * 2.0 ** (LOWEST + octave)
    return size if rank > 0 else -size if rank else 0.0


def ranks(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each number but NaN the rank of the lowest edge that it is not above; 1922 where it is above all."""
    fraction, exponent = np.frexp(np.abs(numbers))
    parts = fraction * (2 * PARTS)  # of its octave, which begins at 32
    parts = np.where(numbers > 0, np.ceil(parts), np.floor(parts))
    found = (exponent - 1 - LOWEST) * PARTS + parts - PARTS + 1
    low, high = np.where(numbers > 0, 1, 0), np.where(numbers > 0, _RANK + 1, _RANK)
    signed: NDArray[np.float64] = np.sign(numbers) * np.clip(found, low, high)
    return signed.astype(np.int64)


class Scores:
    """Numbers by bucket."""

    def __init__(self) -> None:
        self._counts = np.zeros(2 * _RANK + 2, dtype=np.int64)
        self._sum = 0.0

    def add(self, numbers: NDArray[np.float64]) -> None:
        """Count these predictions.

        NaN is above all edges, as infinity is: no signature need promise numbers, and a version that answers more of
        them than another is seen to answer otherwise.
        """
        ordered = np.where(np.isnan(numbers), np.inf, numbers)
        with np.errstate(over="ignore"):  # infinity is what a float has for it
            self._counts += np.bincount(ranks(ordered) + _RANK, minlength=len(self._counts))
            self._sum += float(numbers[np.isfinite(numbers)].sum())

    def buckets(self) -> tuple[list[tuple[float, int]], float]:
        """Return edges with the numbers at or below each, infinity last, and the sum of all.

        Only the two edges of each bucket that holds something are there. So between two neighbours in this list either
        nothing lies, or one bucket: at any edge that is left out, the count is that of the edge before it.
        """
        held = np.flatnonzero(self._counts)
        places = np.union1d(held, held - 1)
        places = places[(places >= 0) & (places <= 2 * _RANK)]
        total = self._counts.cumsum()
        edges = [
            (edge(place - _RANK), count) for place, count in zip(places.tolist(), total[places].tolist(), strict=True)
        ]
        return [*edges, (float("inf"), int(total[-1]))], self._sum


class Classes:
    """Classes by name."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, counts: Iterable[tuple[str, int]]) -> None:
        """Count predictions by class. Classes beyond the limit are counted together."""
        for name, count in counts:
            fit = len(name) <= LONGEST_NAME and name.isprintable()
            known = name in self._counts or len(self._counts.keys() - {OTHERS}) < CLASSES
            name = name if fit and known else OTHERS  # noqa: PLW2901  what follows must not see the other one
            self._counts[name] = self._counts.get(name, 0) + count

    def counts(self) -> Mapping[str, int]:
        """Predictions by class."""
        return dict(self._counts)


class Predictions:
    """Predictions of one version, counted by whoever predicts and read by whoever asks for /metrics."""

    def __init__(self) -> None:
        self._scores, self._classes = Scores(), Classes()
        self._aside: list[NDArray[Any]] = []
        self._rows = 0
        self._lock = threading.Lock()
        self._foreign = False  # whether there were answers of which nothing here knows a first column

    def add(self, raw: Any) -> None:
        """Count the first column of a model's answer. Never raises: an answer of no known form is not counted."""
        try:
            column = first_column(raw)
        except Exception:  # noqa: BLE001  a model may answer with anything, and it is not at fault for that
            column = None
        if column is None:
            if not self._foreign:
                log.info("predictions of type %s are not counted in podium_scores", type(raw).__name__)
            self._foreign = True
            return
        with self._lock:
            self._aside.append(column)
            self._rows += len(column)
            if self._rows >= _ASIDE_ROWS or len(self._aside) >= _ASIDE_BATCHES:
                self._count()

    def scores(self) -> tuple[list[tuple[float, int]], float]:
        """Return the buckets of the numbers, and their sum."""
        with self._lock:
            self._count()
            return self._scores.buckets()

    def classes(self) -> Mapping[str, int]:
        """Predictions by class."""
        with self._lock:
            self._count()
            return self._classes.counts()

    def _count(self) -> None:
        aside, self._aside, self._rows = self._aside, [], 0
        for kind in {column.dtype.kind for column in aside}:
            column = np.concatenate([each for each in aside if each.dtype.kind == kind])
            if kind == "f":
                self._scores.add(column.astype(np.float64))
            elif kind == "U":
                self._classes.add(Counter(column.tolist()).items())
            else:
                values, counts = np.unique(column, return_counts=True)
                names = [str(value).lower() for value in values.tolist()]  # true and false as JSON has them
                self._classes.add(zip(names, counts.tolist(), strict=True))


def first_column(raw: Any) -> NDArray[Any] | None:
    """Return a copy of the first column of a model's answer, as floats, integers, booleans or texts; None without one.

    A copy, because it is looked at later, and the answer is the model's.
    """
    if isinstance(raw, pd.DataFrame):
        raw = raw.iloc[:, 0].to_numpy()
    elif isinstance(raw, dict):
        raw = next(iter(raw.values()), None)
    elif is_by_output(raw):
        raw = raw[0]
    column = np.asarray(raw)
    if column.ndim > 1:
        column = column.reshape(len(column), -1)[:, 0]
    if column.ndim == 0 or column.size == 0:
        return None
    if column.dtype.kind == "O" or column.dtype.itemsize > LONGEST_NAME * 4:  # bytes of a character
        column = _unboxed(column)
    return column.copy() if column.dtype.kind in "fiubU" else None


def _unboxed(column: NDArray[Any]) -> NDArray[Any]:
    """Texts, or numbers among which null is NaN. Raises TypeError, ValueError: neither."""
    cells = column.tolist()
    texts = [each for each in cells if isinstance(each, str)]
    if not texts:
        return np.array([math.nan if is_missing(each) else each for each in cells], dtype=np.float64)
    # An array of texts is as wide as its longest
    return np.array([each if len(each) <= LONGEST_NAME else OTHERS for each in texts], dtype=np.str_)
