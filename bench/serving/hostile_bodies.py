"""Hostile bodies for every door: mutated, cut, spliced, drowned in nonsense, compressed, and made to be expensive."""

import functools
import gzip
import io
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

NASTY: tuple[object, ...] = (
    None, True, -1, 0, 2**53 + 1, 2**64, 2**70, 1e308, -1e308, 5e-324, "", "x", "1.5", "NaN", "\u0000", "é" * 100,
    [], {}, [[]], [None], {"a": {}}, "2026-11-21", "A" * 10_000,
)  # fmt: skip
TOKENS = (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"01", b"\xff\xfe", b"\\ud800", b"[" * 2000, b'{"a":' * 2000)
JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
TYPES = (JSON, CSV, PARQUET, "application/json; charset=utf-8", "text/html", "application/json;charset=x", "")
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE")
LONG = 20_000  # dimensions, tensors or columns of an expensive body
BOMB = 100_000_000  # bytes that a small body unfolds to


@dataclass(frozen=True)
class Hostile:
    """One request, as it is sent."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def requests(frame: pd.DataFrame, model: str, seed: int) -> Iterator[Hostile]:
    """Yield requests without end, the same for the same seed. `frame` is what the model can predict."""
    chance = random.Random(seed)
    doors = _doors(frame, model)
    pages = ("/healthz", "/readyz", "/ping", "/metrics", "/version", "/openapi.json", "/v2", f"/v2/models/{model}", "/")
    while True:
        if chance.random() < 0.05:
            yield Hostile(chance.choice(METHODS), chance.choice(pages), chance.randbytes(chance.randrange(50)))
            continue
        path, content_type, good = chance.choice(doors)
        body = _spoilt(good, content_type, chance)
        headers = {"content-type": chance.choice(TYPES) if chance.random() < 0.1 else content_type}
        if chance.random() < 0.1:
            body = _coded(body, headers, chance)
        if chance.random() < 0.05:
            headers["inference-header-content-length"] = str(chance.choice((0, len(body) // 2, len(body), 10**9, -1)))
        if chance.random() < 0.05:
            headers["accept"] = "application/x-ndjson"
        yield Hostile("POST", path, body, headers)


def _doors(frame: pd.DataFrame, model: str) -> list[tuple[str, str, Any]]:
    """Return path, media type, and a good body of each door."""
    records = frame.astype(object).to_dict("records")
    split = {"columns": list(frame.columns), "data": [list(record.values()) for record in records]}
    tensors = column_tensors(frame)
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    texts = frame.map(lambda cell: json.dumps(cell) if isinstance(cell, list) else cell)
    infer = [{"id": "1", "inputs": tensors}, {"inputs": tensors, "parameters": {"a": 1}, "outputs": [{"name": "x"}]}]
    forms = [{"dataframe_split": split}, {"dataframe_records": records}, {"instances": records}, {"inputs": records}]
    return [
        *(("/invocations", JSON, form) for form in forms),
        ("/invocations", CSV, texts.to_csv(index=False).encode()),
        ("/invocations", PARQUET, parquet.getvalue()),
        *((f"/v2/models/{model}/infer", JSON, form) for form in infer),
        (f"/v2/models/{model}/versions/local/infer", JSON, infer[0]),
        ("/api/v1/predict", JSON, records[0]),
        ("/api/v1/batch", JSON, {"items": records, "params": {"factor": 2.0, "words": ["x"]}}),
        ("/api/v1/batch", JSON, {"items": records}),
    ]


def column_tensors(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a tensor for each column; lists are JSON texts."""
    datatypes = {float: "FP64", int: "INT64", bool: "BOOL", str: "BYTES"}
    tensors = []
    for name in frame.columns:
        cells = [json.dumps(cell) if isinstance(cell, list) else cell for cell in frame[name].tolist()]
        tensors.append({"name": name, "shape": [len(cells)], "datatype": datatypes[type(cells[0])], "data": cells})
    return tensors


def _spoilt(good: Any, content_type: str, chance: random.Random) -> bytes:
    text: bytes = good if isinstance(good, bytes) else json.dumps(good).encode()
    makers: list[Callable[[], bytes]] = [
        lambda: text[: chance.randrange(len(text))],
        lambda: _spliced(text, chance),
        lambda: chance.randbytes(chance.randrange(2000)),
        lambda: bytes(byte ^ (chance.random() < 0.01) for byte in text),
        lambda: text,
    ]
    if content_type == JSON:
        makers += [
            lambda: json.dumps(_mutated(good, chance)).encode(errors="replace"),
            lambda: json.dumps(_mutated(good, chance)).encode(errors="replace"),
            lambda: json.dumps(chance.choice(NASTY)).encode(errors="replace"),
        ]
        if chance.random() < 0.01:
            return _expensive(good, chance)
    return chance.choice(makers)()


def _spliced(text: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(text))
    return text[:at] + chance.choice(TOKENS) + text[at + chance.randrange(20) :]


def _mutated(value: object, chance: random.Random, depth: int = 0) -> object:
    if chance.random() < 0.08 or depth > 6:
        return chance.choice(NASTY)
    if isinstance(value, dict):
        items = [(key if chance.random() > 0.05 else str(chance.choice(NASTY)), each) for key, each in value.items()]
        return {key: _mutated(each, chance, depth + 1) for key, each in items if chance.random() > 0.03}
    if isinstance(value, list):
        return [_mutated(each, chance, depth + 1) for each in value for _ in range(chance.choice((1, 1, 1, 1, 0, 2)))]
    return value


def _expensive(good: Any, chance: random.Random) -> bytes:
    """Return a body that costs much where a loop over it is not linear, or not bounded."""
    names = [f"c{number}" for number in range(LONG)]
    tensor = {"name": "x", "shape": [1], "datatype": "FP64", "data": [1.0]}
    made: list[Any] = [
        {"inputs": [{**tensor, "shape": [2**63 - 1] * LONG, "datatype": "BYTES", "data": []}]},
        {"inputs": [tensor] * LONG},
        {"inputs": [{**tensor, "name": name} for name in names]},
        {"inputs": [tensor], "outputs": [{"name": name} for name in names]},
        {"dataframe_split": {"columns": names, "data": [[1.0] * LONG]}},
        {"dataframe_split": {"columns": ["c"] * LONG, "data": [[1.0] * LONG]}},
        {"dataframe_records": [{name: 1.0} for name in names[:2000]]},
        {"inputs": dict.fromkeys(names, 1.0)},
        {"item": dict.fromkeys(names, 1.0)},
        {"items": [{}] * LONG},
        {**good, "params": dict.fromkeys(names, 1.0)},
    ]
    return json.dumps(chance.choice(made)).encode()


@functools.cache
def _bomb() -> bytes:
    """Return what unfolds to much: made once, as it takes a third of a second."""
    return gzip.compress(bytes(BOMB), 1)


def _coded(body: bytes, headers: dict[str, str], chance: random.Random) -> bytes:
    """Return a body in some coding: as it should be, cut, a bomb, or not at all what it says."""
    headers["content-encoding"] = chance.choice(("gzip", "deflate", "zstd", "br", "gzip, gzip"))
    kind = chance.random()
    if kind < 0.05:
        return _bomb()
    whole = zlib.compress(body) if headers["content-encoding"] == "deflate" else gzip.compress(body, 1)
    return whole[: chance.randrange(len(whole))] if kind < 0.3 else whole
