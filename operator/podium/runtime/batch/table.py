"""A chunk of the input on its way through a run."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of the input: the columns that were read, and of CSV the lines as they are."""

    before: int  # rows of the file that stand before these
    rows: int
    table: pa.Table
    lines: pa.LargeBinaryArray | None = None  # each but the first begins with the line break before it
    line_break: bytes = b"\n"
