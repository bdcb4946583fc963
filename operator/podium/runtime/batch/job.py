"""One run of batch scoring: read a chunk, predict it, stamp its rows, write it."""

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from podium.runtime.batch.distribution import Distribution
from podium.runtime.batch.journal import Journal, Run
from podium.runtime.batch.tables import Output, Unreadable, open_input, open_output
from podium.runtime.identity import Identity
from podium.runtime.prediction.model import Model, Query, length

STAMPS = ("model_name", "model_version", "run_id", "scored_at", "batch_id", "git_sha")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be scored, by whom, and where it goes."""

    model: Model
    identity: Identity
    input: Path
    output: Path
    git_sha: str = ""
    chunk_rows: int = 100_000


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of it."""

    rows: int
    reused_rows: int  # predicted by an earlier, interrupted run
    seconds: float
    batch_id: str
    distributions: dict[str, dict[str, Any]]

    @property
    def rows_per_s(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0


class Mismatch(Exception):
    """The model answered another number of rows than it was asked."""


def score(order: Order, progress: Callable[[int, int | None], None]) -> Summary:
    """Score the whole input. `progress` is told the rows of each chunk, and of the whole where that is known.

    Raises Unreadable, OtherRun, Mismatch, Fault: the output is as it was, and a next run goes on where this one ended.
    """
    started = time.monotonic()
    table = open_input(order.input, order.model.inputs)
    journal = Journal(order.output)
    batch_id = journal.begin(_run(order), str(uuid.uuid4()))
    writing = _Writing(order, batch_id)
    rows = reused = 0
    try:
        for number, chunk in enumerate(_read(table.chunks(order.chunk_rows), order.input)):
            predictions = journal.read(number)
            if predictions is None:
                predictions = _predicted(order.model, chunk)
                journal.write(number, predictions)
            else:
                reused += chunk.num_rows
            writing.write(chunk, predictions)
            rows += chunk.num_rows
            progress(chunk.num_rows, table.rows)
        writing.finish()
    except BaseException:
        writing.abandon()
        raise
    journal.done()
    return Summary(rows, reused, time.monotonic() - started, batch_id, writing.distributions())


def _run(order: Order) -> Run:
    state = order.input.stat()
    model = f"{order.identity.model}/{order.identity.version}"
    return Run(
        str(order.input.resolve()), state.st_size, state.st_mtime_ns, model, order.identity.digest, order.chunk_rows
    )


def _read(chunks: Any, path: Path) -> Any:
    try:
        yield from chunks
    except (OSError, pa.ArrowException) as error:
        raise Unreadable(f"{path}: cannot be read: {error}") from error


def _predicted(model: Model, chunk: pa.Table) -> pa.Table:
    """Return the predictions as columns: `prediction`, or the model's own names where it answers a table."""
    raw = model.predict(Query(_asked(model, chunk).to_pandas(split_blocks=True)))
    if length(raw) != chunk.num_rows:
        raise Mismatch(f"the model was asked for {chunk.num_rows} rows and answered {length(raw)}")
    if isinstance(raw, pd.DataFrame):
        return _named(pa.Table.from_pandas(raw, preserve_index=False))
    array = np.asarray(raw)
    if array.ndim == 1:
        return pa.table({"prediction": pa.array(array)})
    flat = array.reshape(len(array), -1)
    return pa.table({f"prediction_{column}": pa.array(flat[:, column]) for column in range(flat.shape[1])})


def _asked(model: Model, chunk: pa.Table) -> pa.Table:
    """Return the columns that the signature knows: a table has others, and MLflow warns of them in every chunk."""
    if model.inputs is None or not model.inputs.has_input_names():
        return chunk
    known = set(model.inputs.input_names())
    return chunk.select([name for name in chunk.column_names if name in known])


def _named(table: pa.Table) -> pa.Table:
    return table.rename_columns([f"prediction_{name}" for name in table.column_names])


class _Writing:
    """The output while it is being written, beside its place."""

    def __init__(self, order: Order, batch_id: str) -> None:
        self._order = order
        self._beside = order.output.with_name(f".{order.output.name}.partial")
        who = order.identity
        now = datetime.now(UTC)
        values = (who.model, who.version, who.run_id, now, batch_id, order.git_sha)
        self._stamps = dict(zip(STAMPS, values, strict=True))
        self._output: Output | None = None
        self._distributions: dict[str, Distribution] = {}

    def write(self, chunk: pa.Table, predictions: pa.Table) -> None:
        for name in predictions.column_names:
            self._distributions.setdefault(name, Distribution()).add(predictions[name])
        table = _stamped(chunk, predictions, self._stamps)
        if self._output is None:
            self._order.output.parent.mkdir(parents=True, exist_ok=True)
            self._output = open_output(self._beside, self._order.output.suffix, table.schema)
        self._output.write(table)

    def finish(self) -> None:
        """Put the output in its place, whole: whoever reads there sees the old table or the new one."""
        if self._output is None:
            raise Unreadable(f"{self._order.input}: holds no rows")
        self._output.close()
        with self._beside.open("rb") as file:
            os.fsync(file.fileno())
        self._beside.replace(self._order.output)

    def abandon(self) -> None:
        self._beside.unlink(missing_ok=True)

    def distributions(self) -> dict[str, dict[str, Any]]:
        return {name: each.summary() for name, each in self._distributions.items()}


def _stamped(chunk: pa.Table, predictions: pa.Table, stamps: dict[str, Any]) -> pa.Table:
    """Put the input's columns, the predictions and the stamps side by side; a stamp replaces a column of its name."""
    count = chunk.num_rows
    columns = {name: chunk[name] for name in chunk.column_names if name not in {*stamps, *predictions.column_names}}
    columns |= {name: predictions[name] for name in predictions.column_names}
    for name, value in stamps.items():
        kind = pa.timestamp("us", tz="UTC") if isinstance(value, datetime) else pa.string()
        columns[name] = pa.repeat(pa.scalar(value, kind), count)
    return pa.table(columns)
