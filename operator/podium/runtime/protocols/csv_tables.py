"""CSV bodies: read as MLflow reads them, and as its JSON where its CSV has no form, with every wrong cell named.

MLflow's CSV knows no dates, arrays, objects and maps, and hands base64 on as text. Here the cells of such columns are
the texts that MLflow's JSON has for them: ISO 8601, JSON, and base64.
"""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO, TextIOWrapper
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server
from mlflow.types import ColSpec, DataType, Schema
from mlflow.utils.proto_json_utils import cast_df_types_according_to_schema

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.model import Model
from podium.runtime.prediction.signature import words
from podium.runtime.protocols.payloads import refuse_extra_columns, refuse_twins
from podium.runtime.settings import ExtraColumns

REPEATED = 100  # names of a header that may stand there twice, as MLflow takes them
_AS_TEXTS = frozenset({DataType.binary, DataType.datetime})
# How pandas, MLflow and a parser of JSON say that a cell is not what it should be
_UNREAD = (ValueError, TypeError, LookupError, OverflowError, RecursionError, MlflowException)
_RAGGED = re.compile(r"Expected (?P<expected>\d+) fields in line (?P<line>\d+), saw (?P<found>\d+)")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the signature, by its name in the header."""

    name: str
    kind: Any  # MLflow's type
    required: bool

    @property
    def as_text(self) -> bool:
        """Whether MLflow's CSV has no form for it."""
        return not isinstance(self.kind, DataType) or self.kind in _AS_TEXTS


def read_csv(body: bytes, model: Model) -> pd.DataFrame:
    """Return the table. Raises RequestFault: it is none, or does not fit the signature."""
    names = check_header(body)
    if model.extra_columns is ExtraColumns.REFUSE:
        refuse_twins(names, "the header")
    refuse_extra_columns(dict.fromkeys(names), model)
    columns = list(_columns(model.inputs, names))
    try:
        return _parsed(body, model, columns)
    except _UNREAD as error:
        raise RequestFault(_problem(body, columns, error)) from error


def check_header(body: bytes) -> list[str]:
    """Return the names in it.

    Raises RequestFault: pandas takes a look at all columns for each that repeats a name, a minute for 1.3 MB.
    """
    try:
        names = next(csv.reader(TextIOWrapper(BytesIO(body), encoding="utf-8-sig", errors="replace", newline="")), [])
    except csv.Error as error:
        raise RequestFault("the body cannot be read as text/csv: its header has a cell without end") from error
    if (repeated := len(names) - len(set(names))) > REPEATED:
        raise RequestFault(f"expected a header of different names, found {repeated} that repeat another")
    return names


def _columns(schema: Schema | None, names: Sequence[str]) -> Iterator[Column]:
    if schema is None or schema.is_tensor_spec():
        return
    expected = [str(name) for name in schema.input_names()] if schema.has_input_names() else names
    for name, spec in zip(expected, schema.inputs, strict=False):
        yield Column(name, spec.type, spec.required)


def _parsed(body: bytes, model: Model, columns: list[Column]) -> pd.DataFrame:
    if not model.numbered_columns and not any(column.as_text for column in columns):
        return scoring_server.parse_csv_input(BytesIO(body), model.inputs)
    frame = pd.read_csv(BytesIO(body), dtype={column.name: _dtype(column) for column in columns})
    _convert(frame, [column for column in columns if column.as_text])
    return frame.rename(columns=model.numbered_columns)


def _dtype(column: Column) -> Any:
    return str if column.as_text else column.kind.to_pandas()


def _convert(frame: pd.DataFrame, columns: list[Column]) -> None:
    """Make of texts what MLflow makes of the same texts in JSON. Raises ValueError and MlflowException."""
    found = [column for column in columns if column.name in frame.columns]
    for column in found:
        if not isinstance(column.kind, DataType):
            cells = [None if pd.isna(cell) else json.loads(cell) for cell in frame[column.name]]
            frame[column.name] = pd.Series(cells, index=frame.index, dtype=object)
    if found:
        schema = Schema([ColSpec(column.kind, column.name, column.required) for column in found])
        cast_df_types_according_to_schema(frame, schema)


def _problem(body: bytes, columns: list[Column], error: Exception) -> str:
    """Say what is wrong without quoting the data, as pandas and MLflow do."""
    if ragged := _RAGGED.search(str(error)):
        row = int(ragged["line"]) - 2
        return f"row {row}: expected {ragged['expected']} cells as in the header, found {ragged['found']}"
    try:
        body.decode()
        texts = pd.read_csv(BytesIO(body), dtype=str)
    except UnicodeDecodeError as broken:
        return f"expected UTF-8, found another byte at {broken.start}"
    except pd.errors.EmptyDataError:
        return "expected a header and rows, found an empty body"
    except (ValueError, OverflowError) as unread:
        return f"the body cannot be read as text/csv ({type(unread).__name__}): are all quotes closed?"
    for column in columns:
        if column.name in texts.columns and (problem := _wrong_cell(texts[column.name], column)):
            return problem
    return f"the body cannot be read as text/csv ({type(error).__name__})"


def _wrong_cell(texts: "pd.Series[str]", column: Column) -> str | None:
    if _reads(texts, column):
        return None
    low, high = 0, len(texts)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _reads(texts.iloc[low:middle], column) else (low, middle)
    found = "nothing" if pd.isna(texts.iloc[low]) else "a text that is none"
    if _reads(texts.iloc[low : low + 1], column):  # MLflow takes the first date's form for that of all
        found = "another form than in the rows before"
    return f"row {low}, column {column.name[:80]!r}: expected {words(column.kind)}, found {found}"


def _reads(texts: "pd.Series[str]", column: Column) -> bool:
    """Return whether this part of a column is read by those that read all of it."""
    try:
        part = StringIO(texts.to_csv(index=False))
        frame = pd.read_csv(part, dtype={column.name: _dtype(column)}, skip_blank_lines=False)
        _convert(frame, [column] if column.as_text else [])
    except _UNREAD:
        return False
    return True
