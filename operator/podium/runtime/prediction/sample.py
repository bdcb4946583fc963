"""The first values that a model predicts for a request, kept so that another version's can be compared with them.

Whoever predicts keeps them, as it counts them: a copy, because the answer is the model's, and bounded, because it is
done beside a user's answer.
"""

import logging
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from podium.runtime.prediction.outputs import dumps, name_text, plain

log = logging.getLogger(__name__)

VALUES = 256  # of an answer are kept, beside its shape
LONGEST = 64 * 1024  # bytes of JSON; an answer of longer texts is not compared


class Sample:
    """What was predicted for one request, all its parts."""

    __slots__ = ("_left", "_parts")

    def __init__(self) -> None:
        self._left = LONGEST
        self._parts: list[bytes] | None = []  # None: they cannot be said, or are too long

    def add(self, raw: Any) -> None:
        """Keep the first values of an answer. Never raises: a model may answer with anything."""
        if self._parts is None:
            return
        try:
            part = dumps(first_values(raw, VALUES))
        except Exception as error:  # noqa: BLE001  it is no fault that it cannot be compared
            log.info("predictions of type %s are not compared (%s)", type(raw).__name__, type(error).__name__)
            self._parts = None
            return
        self._parts.append(part)
        self._left -= len(part)
        if self._left < 0:
            self._parts = None

    @property
    def text(self) -> bytes | None:
        """The values as JSON; None where there are none, or they cannot be said."""
        return b"[%b]" % b",".join(self._parts) if self._parts else None


def first_values(raw: Any, most: int) -> Any:
    """Return at most so many values of an answer, and its shape: equal ones of equal answers."""
    if isinstance(raw, pd.DataFrame):
        columns = [(name_text(name), raw.iloc[:, place]) for place, name in enumerate(raw.columns[:most])]
        return _named(columns, len(raw.columns), most)
    if isinstance(raw, dict):
        return _named([(name_text(name), value) for name, value in islice(raw.items(), most)], len(raw), most)
    if isinstance(raw, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        raw = np.asarray(raw)
    if isinstance(raw, np.ndarray) and raw.ndim:
        return [list(raw.shape), raw.flat[:most].tolist()]
    if isinstance(raw, list | tuple):
        share = max(1, most // max(1, min(len(raw), most)))
        return [len(raw), [first_values(each, share) for each in raw[:most]]]
    return plain(raw)


def _named(columns: list[tuple[str, Any]], count: int, most: int) -> Any:
    if count <= most:  # clients find them by name, in whichever order they are
        columns = sorted(columns, key=lambda column: column[0])
    share = max(1, most // max(1, len(columns)))
    return [count, [[name, first_values(values, share)] for name, values in columns]]
