"""How many rows fell into each bin of the training profile: what drift is judged by. No row is kept.

It must cost next to nothing beside a prediction, and never fail one:

- A block is judged as if it had at most a thousand rows (`podium.core.drift.detector`), so that there is no need to
  count all of them. A hundred a second are, and which ones is chosen without a look at them.
- Rows are put aside, and counted 256 at a time: NumPy's calls cost the same for one.
- What cannot be read as the profile has it is counted as missing; what is no rows at all, not.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.types import Schema
from numpy.typing import NDArray

from podium.core.drift.profile import FILE, LARGEST, FeatureProfile, Profile, category_text
from podium.runtime.prediction.distribution import first_column
from podium.runtime.prediction.outputs import is_missing

log = logging.getLogger(__name__)

RATE = 100.0  # rows a second that are counted
AT_ONCE = 256  # rows; as many are counted of one call of the model, and at first

Rows = Sequence[Sequence[Any]]


class Sketch:
    """The counts of one version, by whoever predicts and whoever asks for them."""

    def __init__(
        self, profile: Profile, inputs: Sequence[str] | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`inputs` are the model's columns, in the order in which rows have them; None where they have no names."""
        self.profile = profile
        self._clock = clock
        places = {name: place for place, name in enumerate(inputs or ())}
        self._features = [each for each in profile.features if each.name in places]
        self._places = [places[each.name] for each in self._features]
        self._bins = _Bins(self._features)
        self._answered = _Bins([profile.predictions]) if profile.predictions is not None else None
        self._aside: list[Sequence[Any]] = []
        self._answers: list[NDArray[Any]] = []
        self._allowed, self._asked = float(AT_ONCE), clock()
        self._lock = threading.Lock()
        if unknown := [each.name for each in profile.features if each.name not in places]:
            log.warning("drift: the profile has %d features that are no inputs of the model", len(unknown))

    @classmethod
    def of(cls, directory: Path, inputs: Schema | None) -> "Sketch | None":
        """The sketch by the profile in a model's folder; None where there is none, or it cannot be read."""
        file = directory / FILE
        if not file.is_file():
            log.warning("drift is not counted: the model has no %s (podium.profile.log makes it)", FILE)
            return None
        try:
            with file.open("rb") as opened:
                profile = Profile.read(opened.read(LARGEST + 1))
            named = inputs is not None and inputs.has_input_names()
            return cls(profile, list(map(str, inputs.input_names())) if inputs is not None and named else None)
        except (ValueError, OSError) as error:
            log.warning("drift is not counted: %s: %s", FILE, error)
            return None

    def add_rows(self, rows: Rows, raw: Any) -> None:
        """Count rows that the plan has read, and what was answered. Never raises."""
        with self._lock:
            taken = self._take(len(rows))
            if taken is None:
                return
            self._aside += rows[taken]
            self._answer(raw, taken)

    def add_query(self, data: Any, raw: Any) -> None:
        """Count what the plan could not express, where it has rows. Never raises."""
        with self._lock:
            try:
                rows = _rows(data, [each.name for each in self._features])
            except Exception:  # noqa: BLE001  a request may be anything, and the model has answered it
                return
            taken = self._take(len(rows))
            if taken is None:
                return
            width = max(self._places, default=-1) + 1
            for row in rows[taken]:
                cells: list[Any] = [None] * width
                for place, cell in zip(self._places, row, strict=True):
                    cells[place] = cell
                self._aside.append(cells)
            self._answer(raw, taken)

    def counts(self) -> Mapping[str, list[int]]:
        """Rows by bin, for each feature that the model has, and its predictions."""
        with self._lock:
            self._count()
            found = dict(self._bins.counts())
            return found if self._answered is None else found | dict(self._answered.counts())

    def _take(self, rows: int) -> slice | None:
        """Which of so many rows are counted."""
        now = self._clock()
        self._allowed = min(self._allowed + (now - self._asked) * RATE, AT_ONCE)
        self._asked = now
        most = int(self._allowed)
        if not rows or not most:
            return None
        taken = slice(None, None, -(-rows // most))
        self._allowed -= -(-rows // taken.step)
        return taken

    def _answer(self, raw: Any, taken: slice) -> None:
        if self._answered is not None:
            try:
                column = first_column(raw)
            except Exception:  # noqa: BLE001  a model may answer with anything
                column = None
            if column is not None:
                self._answers.append(column[taken])
        if len(self._aside) >= AT_ONCE:
            self._count()

    def _count(self) -> None:
        aside, self._aside = self._aside, []
        answers, self._answers = self._answers, []
        try:
            if aside and self._places:
                columns = list(zip(*aside, strict=True))
                self._bins.add([columns[place] for place in self._places])
            if answers and self._answered is not None:
                self._answered.add([[cell for column in answers for cell in column.tolist()]])
        except Exception:
            log.exception("drift: rows were not counted")


class _Bins:
    """The counts of several columns."""

    def __init__(self, features: Sequence[FeatureProfile]) -> None:
        self._features = features
        self._width = max((len(each.counts) for each in features), default=0)
        self._counts = np.zeros((len(features), self._width), dtype=np.int64)
        self._numbers = [place for place, each in enumerate(features) if each.edges is not None]
        most = max((len(features[place].edges or ()) for place in self._numbers), default=0)
        self._edges = np.full((len(self._numbers), 1, most), np.inf)  # none is above infinity
        self._last = np.array([[len(features[place].counts) - 1] for place in self._numbers])
        for row, place in enumerate(self._numbers):
            edges = features[place].edges or ()
            self._edges[row, 0, : len(edges)] = edges
        self._named = {
            place: {name: number for number, name in enumerate(each.categories)}
            for place, each in enumerate(features)
            if each.categories is not None
        }

    def add(self, columns: Sequence[Sequence[Any]]) -> None:
        """Count the cells of each column."""
        if self._numbers:
            cells = np.array([_floats(columns[place]) for place in self._numbers])
            found = (cells[:, :, None] > self._edges).sum(axis=2)
            bins = np.where(np.isnan(cells), self._last, np.minimum(found, self._last - 1))
            for row, place in enumerate(self._numbers):
                self._counts[place] += np.bincount(bins[row], minlength=self._width)
        for place, names in self._named.items():
            other = len(names)
            found = np.array([_category(cell, names, other) for cell in columns[place]])
            self._counts[place] += np.bincount(found, minlength=self._width)

    def counts(self) -> Iterator[tuple[str, list[int]]]:
        """Rows by bin, for each column."""
        for place, each in enumerate(self._features):
            yield each.name, self._counts[place, : len(each.counts)].tolist()


def _floats(cells: Sequence[Any]) -> NDArray[np.float64]:
    try:
        return np.array(cells, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([_float(cell) for cell in cells], dtype=np.float64)


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _category(cell: Any, names: Mapping[str, int], other: int) -> int:
    if type(cell) is str:  # nearly always
        return names.get(cell, other)
    return other + 1 if is_missing(cell) else names.get(category_text(cell), other)


def _rows(data: Any, names: Sequence[str]) -> Sequence[Sequence[Any]]:
    """Raises what pandas raises: it has no rows with these names."""
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if key in names}
    frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data, dtype=object)
    if not set(names) & set(map(str, frame.columns)):
        raise ValueError("no column of the profile")
    return frame.reindex(columns=list(names)).to_numpy(dtype=object).tolist()  # type: ignore[no-any-return]
