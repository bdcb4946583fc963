"""One run of batch scoring: read a chunk, predict it, stamp its rows, write it.

The output has one schema, and the predictions' part of it is known for certain only when the last chunk is predicted.
Writing begins with what the first chunk says; where a later one says more (a wider type, another column), the rest is
only predicted, and the output is written from the start, from the input and the journal.
"""

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from podium.runtime.batch.columns import STAMPS, input_names
from podium.runtime.batch.distribution import Distribution
from podium.runtime.batch.failures import ModelFailed, Unfit, Unreadable
from podium.runtime.batch.inputs import Input, open_input
from podium.runtime.batch.journal import Journal, Run
from podium.runtime.batch.outputs import CsvOutput, Output, ParquetOutput, writing
from podium.runtime.batch.pipeline import Behind, ahead
from podium.runtime.batch.predictions import Schemas, as_columns, in_schema
from podium.runtime.batch.table import Chunk
from podium.runtime.faults import ModelFault, RequestFault
from podium.runtime.identity import Identity
from podium.runtime.prediction.model import Model, Query

Progress = Callable[[int, int | None], None]  # rows of a chunk, and of the whole where that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be scored, by whom, and where it goes."""

    model: Model
    identity: Identity
    input: Path
    output: Path
    git_sha: str = ""
    chunk_rows: int = 100_000
    rename_clashes: bool = False

    @property
    def typed(self) -> bool:
        """Whether the output's columns have types."""
        return self.output.suffix == ".parquet"


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
        """Rows per second, over the whole run."""
        return self.rows / self.seconds if self.seconds else 0.0


def score(order: Order, progress: Progress) -> Summary:
    """Score the whole input.

    Raises ScoreError: the output is as it was, and the same command goes on where this one ended.
    """
    started = time.monotonic()
    table = open_input(order.input, order.model.inputs, typed=order.typed)
    input_names(table.names, STAMPS, rename=order.rename_clashes)
    journal = Journal(order.output)
    with contextlib.ExitStack() as run:
        with writing(order.output):
            run.enter_context(journal.alone())
            batch_id = journal.begin(_run(order), str(uuid.uuid4()))
        scoring = run.enter_context(_Scoring(order, table, journal, batch_id).closed_at_the_end())
        scoring.predict(progress)
        scoring.finish()
        journal.done()
    return Summary(scoring.rows, scoring.reused, time.monotonic() - started, batch_id, scoring.distributions())


def _run(order: Order) -> Run:
    state = order.input.stat()
    model = f"{order.identity.model}/{order.identity.version}"
    return Run(
        str(order.input.resolve()), state.st_size, state.st_mtime_ns, model, order.identity.digest, order.chunk_rows
    )


class _Scoring:
    """A run between its first chunk and its last."""

    def __init__(self, order: Order, table: Input, journal: Journal, batch_id: str) -> None:
        self.rows = self.reused = 0
        self._order, self._table, self._journal = order, table, journal
        self._readers, self._writers = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._behind = Behind(self._writers)
        self._schemas = Schemas(order.model.outputs)
        self._writing = _Writing(order, table.names, batch_id)
        self._distributions: dict[str, Distribution] = {}

    @contextlib.contextmanager
    def closed_at_the_end(self) -> Iterator["_Scoring"]:
        try:
            yield self
        finally:
            self._readers.shutdown(cancel_futures=True)
            self._writers.shutdown()
            self._writing.abandon()

    def predict(self, progress: Progress) -> None:
        """Predict every chunk, and write as long as the schema of the first holds. Raises ScoreError."""
        for number, chunk in enumerate(self._chunks()):
            predictions = self._predictions(number, chunk)
            self._schemas.add(predictions.schema, _place(self._order, chunk))
            self._count(predictions)
            schema = self._schemas.schema()
            self._behind.wait()
            if self._writing.begin(schema, chunk):
                self._behind.do(lambda c=chunk, p=predictions: self._writing.write(c, p))  # type: ignore[misc]
            self.rows += chunk.rows
            progress(chunk.rows, self._table.rows)

    def finish(self) -> None:
        """Put the output in its place, whole. Raises ScoreError."""
        if not self.rows:
            raise Unreadable(f"{self._order.input}: expected rows, found only a header; nothing was written")
        self._behind.wait()
        if not self._writing.holds(self._schemas.schema()):
            self._write_again()
        self._writing.finish()

    def _write_again(self) -> None:
        self._writing.restart()
        for number, chunk in enumerate(self._chunks()):
            self._writing.begin(self._schemas.schema(), chunk)
            known = self._journal.read(number, chunk.rows)
            self._writing.write(chunk, predicted(self._order, self._table, chunk) if known is None else known)

    def _chunks(self) -> Iterator[Chunk]:
        return ahead(_read(self._table.chunks(self._order.chunk_rows), self._order.input), self._readers)

    def _predictions(self, number: int, chunk: Chunk) -> pa.Table:
        known = self._journal.read(number, chunk.rows)
        if known is not None:
            self.reused += chunk.rows
            return known
        predictions = predicted(self._order, self._table, chunk)
        with writing(self._order.output):
            self._journal.write(number, predictions)
        return predictions

    def _count(self, predictions: pa.Table) -> None:
        for name in predictions.column_names:
            self._distributions.setdefault(name, Distribution()).add(predictions[name])

    def distributions(self) -> dict[str, dict[str, Any]]:
        return {name: each.summary() for name, each in self._distributions.items()}


def predicted(order: Order, table: Input, chunk: Chunk) -> pa.Table:
    """Return what the model says of a chunk. Raises Unfit, ModelFailed."""
    place = _place(order, chunk)
    try:
        raw = order.model.predict(Query(table.frame(chunk)))
    except RequestFault as fault:
        raise Unfit(f"{place}: not what the model's signature asks for ({_cause(fault)}); correct the table") from fault
    except ModelFault as fault:
        raise ModelFailed(f"{place}: {fault.message} ({_cause(fault)}); mend its predict") from fault
    return as_columns(raw, chunk.rows, place)


def _place(order: Order, chunk: Chunk) -> str:
    return f"{order.input}: rows {chunk.before + 1:,} to {chunk.before + chunk.rows:,}"


def _cause(fault: Exception) -> str:
    """Return what lies behind a fault: the file and line where the model raised, and its words."""
    cause = fault.__cause__ or fault
    trace = cause.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}: " if trace is not None else ""
    return f"{where}{' '.join(str(cause).split())[:500]}"


def _read(chunks: Iterator[Chunk], path: Path) -> Iterator[Chunk]:
    try:
        yield from chunks
    except (OSError, pa.ArrowException) as error:
        why = str(error).partition("\n")[0][:300]
        raise Unreadable(f"{path}: cannot be read ({why}); write the file again") from error


class _Writing:
    """The output beside its place, with the schema of the chunks that are known."""

    def __init__(self, order: Order, names: list[str], batch_id: str) -> None:
        self._order, self._names = order, names
        self._beside = order.output.with_name(f".{order.output.name}.partial")
        who = order.identity
        values: tuple[str | datetime, ...] = (
            who.model,
            who.version,
            who.run_id,
            datetime.now(UTC),
            batch_id,
            order.git_sha,
        )
        self._stamps = dict(zip(STAMPS, values, strict=True))
        self._output: Output | None = None
        self._schema: pa.Schema | None = None

    def holds(self, schema: pa.Schema) -> bool:
        return self._schema is not None and self._schema.equals(schema)

    def begin(self, schema: pa.Schema, chunk: Chunk) -> bool:
        """Return whether chunks can be written with this schema: it is the first chunk's, or nothing has changed.

        Raises NameClash, Unwritable.
        """
        names = input_names(self._names, [*schema.names, *STAMPS], rename=self._order.rename_clashes)
        if self._schema is None:
            self._schema = schema
            with writing(self._order.output):
                self._output = self._open(names, chunk.table.schema)
        return self.holds(schema)

    def _open(self, names: list[str], found: pa.Schema) -> Output:
        assert self._schema is not None
        if not self._order.typed:
            return CsvOutput(self._beside, names, self._schema, self._stamps)
        columns = [pa.field(name, field.type) for name, field in zip(names, found, strict=True)]
        return ParquetOutput(self._beside, pa.schema([*columns, *self._schema]), self._stamps)

    def write(self, chunk: Chunk, predictions: pa.Table) -> None:
        assert self._output is not None
        assert self._schema is not None
        with writing(self._order.output):
            self._output.write(chunk, in_schema(predictions, self._schema))

    def restart(self) -> None:
        self.abandon()
        self._schema = None

    def finish(self) -> None:
        """Put the output in its place, whole: whoever reads there sees the old table or the new one."""
        assert self._output is not None
        with writing(self._order.output):
            self._output.close()
            self._output = None
            with self._beside.open("rb") as file:
                os.fsync(file.fileno())
            self._beside.replace(self._order.output)

    def abandon(self) -> None:
        """Leave nothing beside the output's place."""
        if self._output is not None:
            with contextlib.suppress(OSError, pa.ArrowException):  # what cannot be written is thrown away
                self._output.close()
        self._output = None
        self._beside.unlink(missing_ok=True)
