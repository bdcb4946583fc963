"""What both servers are asked: the same rows in every form, and what is odd."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

JSON, CSV = "application/json", "text/csv"


@dataclass(frozen=True)
class Asked:
    """One request: the body of /invocations, and which door of ours gets which body of the same meaning."""

    form: str
    body: bytes
    content_type: str = JSON
    door: str = "/invocations"
    ours: bytes | None = None  # None: the same body


def requests(rows: Any) -> Iterator[Asked]:
    """Yield requests for rows: a table, an array (of a matrix or a tensor), or bodies as they are."""
    if isinstance(rows, pd.DataFrame):
        yield from _tables(rows)
        yield from _odd(rows)
    elif isinstance(rows, np.ndarray):
        yield from _arrays(rows)
    else:
        for number, body in enumerate(rows):
            yield Asked(f"body {number}", dumped(body))


def dumped(body: Any) -> bytes:
    """Return a body as JSON."""
    return json.dumps(body).encode()


def _tables(frame: pd.DataFrame) -> Iterator[Asked]:
    for part in (frame.head(1), frame):
        split = json.loads(part.to_json(orient="split", date_format="iso", double_precision=15))
        names, data = split["columns"], split["data"]
        records = [dict(zip(map(str, names), row, strict=True)) for row in data]
        plain = {"columns": names, "data": data}
        yield Asked("split", dumped({"dataframe_split": split}))
        yield Asked("records", dumped({"dataframe_records": records}))
        columns = dumped({"inputs": {name: [record[name] for record in records] for name in map(str, names)}})
        yield Asked("inputs by column", columns)
        yield Asked("instances", dumped({"instances": records}))
        turned = {"columns": names[::-1], "data": [row[::-1] for row in data]}
        yield Asked("columns turned", dumped({"dataframe_split": turned}))
        yield Asked("csv", part.to_csv(index=False).encode(), CSV)
        wanted = dumped({"dataframe_split": plain})
        yield Asked("items", wanted, door="/api/v1/batch", ours=dumped({"items": records}))
        if (tensors := _tensors(part)) is not None:
            yield Asked("tensors", columns, door="/v2/models/{name}/infer", ours=dumped({"inputs": tensors}))


def _odd(frame: pd.DataFrame) -> Iterator[Asked]:
    split = json.loads(frame.head(2).to_json(orient="split", date_format="iso"))
    names, (first, *_) = split["columns"], split["data"]
    odd: dict[str, list[list[Any]]] = {
        "a text": [["x", *first[1:]]],
        "null": [[None, *first[1:]]],
        "a short row": [first[:-1]],
        "no row": [],
        "a large number": [[2**70, *first[1:]]],
        "a boolean": [[True, *first[1:]]],
        "a list in a cell": [[[1], *first[1:]]],
    }
    for what, data in odd.items():
        yield Asked(what, dumped({"dataframe_split": {"columns": names, "data": data}}))
    yield Asked("a column more", dumped({"dataframe_split": {"columns": [*names, "more"], "data": [[*first, 1]]}}))
    yield Asked("no form", dumped({"rows": [first]}))
    yield Asked("no JSON", b"{")


def _tensors(frame: pd.DataFrame) -> list[dict[str, Any]] | None:
    """Return a table as tensors, a column each; None where a column has no datatype of the protocol."""
    tensors = []
    for name, column in frame.items():
        data = column.tolist()
        kinds = {type(cell) for cell in data}
        datatype = {float: "FP64", int: "INT64", bool: "BOOL", str: "BYTES"}.get(next(iter(kinds)))
        if len(kinds) > 1 or datatype is None:
            return None
        tensors.append({"name": str(name), "datatype": datatype, "shape": [len(data)], "data": data})
    return tensors


def _arrays(array: np.ndarray[Any, Any]) -> Iterator[Asked]:
    for part in (array[:1], array):
        data = part.tolist()
        for form in ("inputs", "instances"):
            yield Asked(form, dumped({form: data}))
        name = {"f": "FP", "i": "INT", "u": "UINT"}[part.dtype.kind] + str(part.dtype.itemsize * 8)
        tensor = {"name": "input", "datatype": name, "shape": list(part.shape), "data": part.ravel().tolist()}
        door = "/v2/models/{name}/infer"
        yield Asked("a tensor", dumped({"inputs": data}), door=door, ours=dumped({"inputs": [tensor]}))
    yield Asked("a text", dumped({"inputs": "x"}))
    yield Asked("nothing", dumped({"inputs": []}))
    yield Asked("flat", dumped({"inputs": array[0].ravel().tolist()}))
    yield Asked("no JSON", b"[")
