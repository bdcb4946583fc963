"""What a broken run leaves behind, so that the next one predicts nothing twice.

    <output>.scoring/lock            held by the run that is at work
    <output>.scoring/run.json        what is being done: input, model, chunk size, batch id
    <output>.scoring/00000012.arrow  the predictions of chunk 12

The output itself is written again by the next run, from the input and these: a Parquet file without its end is of no
use. A journal of other work (another input, model or chunk size) is refused rather than mixed in.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc

from podium.runtime.batch.failures import OtherRun


@dataclass(frozen=True, slots=True)
class Run:
    """What is being done; two runs that differ must not share predictions."""

    input: str
    input_size: int
    input_changed: int  # nanoseconds
    model: str
    digest: str
    chunk_rows: int


class Journal:
    """Predictions by chunk, kept until the output is whole."""

    def __init__(self, output: Path) -> None:
        self._folder = output.with_name(f"{output.name}.scoring")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs from this output while the block runs; a process that ends, however, keeps none.

        Raises OtherRun: one is at work here. Raises OSError: the folder cannot be written.
        """
        while True:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / "lock").open("wb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise OtherRun(
                        f"{self._folder}: another run is writing this output now; wait for its end, or choose another "
                        "--output"
                    ) from error
                if not _is_there(lock.name, lock.fileno()):
                    continue  # the other run has just ended, and taken its folder away
                yield
                return

    def begin(self, run: Run, batch_id: str) -> str:
        """Return the batch id under which this run goes on, or begins.

        Raises OtherRun: what lies here was begun with another input, model or chunk size.
        """
        note = self._folder / "run.json"
        if note.exists():
            return self._goes_on(run, note)
        self._folder.mkdir(parents=True, exist_ok=True)
        _replace(note, json.dumps({"run": asdict(run), "batch_id": batch_id}).encode())
        return batch_id

    def _goes_on(self, run: Run, note: Path) -> str:
        try:
            before = json.loads(note.read_text())
            known, batch_id = dict(before["run"]), str(before["batch_id"])
        except (ValueError, KeyError, TypeError) as error:
            raise OtherRun(f"{note}: cannot be read; remove the folder {self._folder} and begin again") from error
        if known != asdict(run):
            differs = ", ".join(key for key, value in asdict(run).items() if known.get(key) != value)
            raise OtherRun(f"{self._folder}: an unfinished run of other work (differs in {differs}); remove it first")
        return batch_id

    def read(self, chunk: int, rows: int) -> pa.Table | None:
        """Return the predictions of a chunk of so many rows, or None: they are not here, or not whole."""
        file = self._file(chunk)
        if not file.exists():
            return None
        try:
            found = pyarrow.ipc.open_file(pa.BufferReader(file.read_bytes())).read_all()
        except pa.ArrowInvalid:  # half a file, as a machine leaves it that loses its power
            return None
        return found if found.num_rows == rows else None

    def write(self, chunk: int, predictions: pa.Table) -> None:
        """Keep the predictions of one chunk, so that the next run need not make them again."""
        sink = pa.BufferOutputStream()
        with pyarrow.ipc.new_file(sink, predictions.schema) as writer:
            writer.write_table(predictions)
        _replace(self._file(chunk), sink.getvalue().to_pybytes())

    def done(self) -> None:
        """Remove the journal: the output is complete."""
        shutil.rmtree(self._folder)

    def _file(self, chunk: int) -> Path:
        return self._folder / f"{chunk:08}.arrow"


def _is_there(name: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(Path(name).stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _replace(file: Path, content: bytes) -> None:
    """Write whole or not at all."""
    beside = file.with_name(f"{file.name}.new")
    beside.write_bytes(content)
    beside.replace(file)
