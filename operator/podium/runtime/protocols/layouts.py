"""What the calls of a client have in common: all their bytes but those of the numbers.

A call of one row has a tensor for each column, and to take thirty of them out of a message takes ten times as long as
to parse it. So where all tensors are doubles, their places in the message are kept. A call of the same size, with the
same bytes everywhere else, is read from these places.

Why this is the same as to parse it: the message is written again twice, with two other numbers in the place of each.
What differs between the two is the numbers' bytes, eight for each, and what does not is the same in the call itself. A
double takes eight bytes whatever it is, so any other eight there are the same message with another number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.runtime.prediction.model import Model
from podium.runtime.prediction.scoring import Ask, Write
from podium.runtime.protocols.messages import ModelInferRequest

KNOWN = 8  # layouts that are kept; calls with more (each has an id, say) are parsed as they ever were
LONGEST = 16 * 1024  # bytes of a call
_SIZE = 8  # bytes of a double
_MARKS = tuple(np.full(_SIZE, octet, np.uint8).view("<f8")[0] for octet in (1, 2))  # doubles without an equal byte


@dataclass(frozen=True, slots=True)
class Layout:
    """One message but for its numbers."""

    size: int
    fixed: NDArray[np.intp]  # places of the bytes that are no numbers'
    same: bytes  # and what they are
    numbers: NDArray[np.intp]  # places of the numbers' bytes, column by column as the model has them
    rows: int
    write: Write  # names, id and wishes are among the fixed bytes

    def ask(self, body: bytes) -> Ask | None:
        """Return what a call of this layout asks, or None: it has another one."""
        if len(body) != self.size:
            return None
        octets = np.frombuffer(body, np.uint8)
        if octets[self.fixed].tobytes() != self.same:
            return None
        rows: list[Any] = octets[self.numbers].view("<f8").reshape(-1, self.rows).T.tolist()
        return Ask(rows=rows, write=self.write)


class Layouts:
    """The layouts of calls to one model."""

    def __init__(self) -> None:
        self._known: list[Layout] = []

    def ask(self, body: bytes) -> Ask | None:
        """Return what a call asks, or None where it has to be parsed."""
        for layout in self._known:
            if (found := layout.ask(body)) is not None:
                return found
        return None

    def learn(self, body: bytes, request: Any, model: Model, write: Write) -> None:
        """Keep the layout of a call whose tensors the model's plan has taken for its columns."""
        assert model.plan is not None
        assert model.plan.names is not None
        if len(self._known) < KNOWN and len(body) <= LONGEST:
            layout = _layout(body, request, model.plan.names, write)
            if layout is not None:
                self._known.append(layout)


def _layout(body: bytes, request: Any, names: Sequence[str], write: Write) -> Layout | None:
    """Return the layout of a call, or None where it is not certain where its numbers stand."""
    if any(tensor.datatype != "FP64" for tensor in request.inputs):
        return None
    rows = len(request.inputs[0].contents.fp64_contents)
    first, second = (np.frombuffer(_marked(request, mark), np.uint8) for mark in _MARKS)
    if not len(first) == len(second) == len(body):
        return None
    places, fixed = np.flatnonzero(first != second), np.flatnonzero(first == second)
    same = first[fixed].tobytes()
    if len(places) != _SIZE * rows * len(names) or np.frombuffer(body, np.uint8)[fixed].tobytes() != same:
        return None
    sent = [tensor.name for tensor in request.inputs]
    ordered = places.reshape(len(names), -1)[[sent.index(name) for name in names]].ravel()
    return Layout(len(body), fixed, same, ordered, rows, write)


def _marked(request: Any, mark: float) -> bytes:
    """Return the message with this number in the place of each."""
    copy = ModelInferRequest.FromString(request.SerializeToString())
    for tensor in copy.inputs:
        numbers = tensor.contents.fp64_contents
        numbers[:] = [mark] * len(numbers)
    marked: bytes = copy.SerializeToString()
    return marked
