"""What the bodies of a client have in common: in `dataframe_split`, all but the rows.

A client sends the same names of columns in each request, and to read thirty of them takes more time than the row behind
them. So the first bytes of a body, up to its rows, are kept with the names that they mean. A body that begins with the
same bytes and ends with the same two is read from its rows on.

Why this is the same as to read it whole: JSON has no context. Where a value stands in one body, any other value can
stand, and nothing around it changes. That the rows of the first body stood between these bytes is proved once:

- the head has as many quotes as whole texts have, and no backslash, so that it does not end within a text
- it ends in `"data":`, and the rest but for `}}` is one value; so this is the value of the last key in an object, which
  is itself the last value of the outermost one
- the outermost object has one key, `dataframe_split`, and this has two, `columns` and `data`
"""

from typing import Any

import orjson

from podium.runtime.prediction.model import Model
from podium.runtime.prediction.plan import Rows, interned
from podium.runtime.protocols.bodies import parse_json
from podium.runtime.protocols.payloads import planned

KNOWN = 8  # heads that are kept; more clients than this, each with another one, are read as they ever were
LONGEST = 64 * 1024  # bytes of a head

_FORM, _KEY, _TAIL = "dataframe_split", b'"data":', b"}}"


class Heads:
    """Reads the bodies that are sent to one model."""

    def __init__(self) -> None:
        self._known: list[tuple[bytes, list[Any]]] = []  # heads, and the columns that they name

    def rows(self, body: bytes, model: Model) -> Rows | None:
        """Return the rows of a body that the model's plan can express, or None. Raises RequestFault: it is no JSON.

        Where the head names the columns as the model has them, what is behind it are the rows, and no more is asked.
        """
        plan = model.plan
        if plan is not None and body.endswith(_TAIL):
            for known, columns in self._known:
                if columns == plan.usual and body.startswith(known):
                    try:
                        return plan.table(orjson.loads(body[len(known) : -len(_TAIL)]))
                    except orjson.JSONDecodeError:
                        break  # as below
        return planned(self.parse_json(body), model)

    def parse_json(self, body: bytes) -> Any:
        """Parse JSON, quicker where the body begins as an earlier one did. Raises RequestFault: it is none."""
        for known, columns in self._known:
            if body.startswith(known) and body.endswith(_TAIL):
                try:
                    data = orjson.loads(body[len(known) : -len(_TAIL)])
                except orjson.JSONDecodeError:
                    break  # more than rows, or NaN, or a fault, which is told of the whole body
                return {_FORM: {"columns": columns, "data": data}}
        parsed = parse_json(body)
        if len(self._known) < KNOWN and (head := _head(body, parsed)) is not None:
            self._known.append((head, list(map(interned, parsed[_FORM]["columns"]))))
        return parsed


def _head(body: bytes, parsed: Any) -> bytes | None:
    """Return the bytes before the rows, or None where it is not certain which these are."""
    end = body.find(_KEY, 0, LONGEST)
    if end < 0 or not body.endswith(_TAIL) or type(parsed) is not dict or list(parsed) != [_FORM]:
        return None
    split, head = parsed[_FORM], body[: end + len(_KEY)]
    if type(split) is not dict or split.keys() != {"columns", "data"} or type(split["columns"]) is not list:
        return None
    return head if head.count(b'"') % 2 == 0 and b"\\" not in head and _is_value(body[len(head) : -2]) else None


def _is_value(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
