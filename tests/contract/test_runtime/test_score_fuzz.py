"""Any table that a tool writes, scored and read back: every cell means the same, every prediction is the model's."""

import csv
import io
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from podium.runtime.batch.job import Order, score
from podium.runtime.identity import Identity
from podium.runtime.prediction.model import Model
from tests.contract.test_runtime.scored import Tables

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and pandas warn of themselves

TEXTS = st.one_of(st.none(), st.sampled_from(["", "007", "NA", "nan", "1.10", " a ", '"', "true"]), st.text(max_size=5))
NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-5, 5).map(float))
ROWS = st.lists(st.tuples(NUMBERS, TEXTS, TEXTS), min_size=1, max_size=12)
Rows = list[tuple[float | None, str | None, str | None]]


def described(frame: pd.DataFrame) -> list[str]:
    return [f"{x!r} {'none' if pd.isna(t) else t!r}" for x, t in zip(frame["x"].tolist(), frame["t"], strict=True)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tables = Tables(tmp_path_factory.mktemp("fuzz"))
    signature = Schema([ColSpec(DataType.double, "x"), ColSpec(DataType.string, "t")])
    tables.model(described, ModelSignature(inputs=signature))
    return tables.folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return Model(mlflow.pyfunc.load_model(str(folder / "model"), suppress_warnings=True))


def by_pandas(rows: Rows) -> bytes:
    return str(pd.DataFrame(rows, columns=["x", "t", "note"]).to_csv(index=False)).encode("utf-8", "surrogatepass")


def by_csv_module(rows: Rows) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("x", "t", "note"), *rows])
    return text.getvalue().encode("utf-8", "surrogatepass")


def by_arrow(rows: Rows) -> bytes:
    sink = io.BytesIO()
    pyarrow.csv.write_csv(arrow(rows), sink)
    return sink.getvalue()


def by_parquet(rows: Rows) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(arrow(rows), sink, row_group_size=5)
    return sink.getvalue()


def arrow(rows: Rows) -> pa.Table:
    x, t, note = ([row[place] for row in rows] for place in range(3))
    return pa.table(
        {"x": pa.array(x, pa.float64()), "t": pa.array(t, pa.string()), "note": pa.array(note, pa.string())}
    )


def read(path: Path) -> list[dict[str, Any]]:
    """Return rows of x, t, note and prediction; of CSV nothing and an empty text are the same to the csv module."""
    if path.suffix == ".parquet":
        return list(pyarrow.parquet.read_table(path).to_pylist())
    with path.open(newline="", encoding="utf-8") as file:
        return [{**row, "x": float(row["x"] or "nan")} for row in csv.DictReader(file)]


@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
@pytest.mark.parametrize("write", [by_pandas, by_csv_module, by_arrow, by_parquet])
@given(rows=ROWS, chunk=st.sampled_from([1, 2, 5, 100]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_cell_means_the_same_and_every_prediction_is_the_models(
    folder: Path, model: Model, write: Callable[[Rows], bytes], target: str, *, rows: Rows, chunk: int
) -> None:
    if write is by_pandas:  # it leaves a CR unquoted, which pandas itself reads as the end of a line
        rows = [(x, t and t.replace("\r", " "), note and note.replace("\r", " ")) for x, t, note in rows]
    shutil.rmtree(folder / f"{target}.scoring", ignore_errors=True)  # of an example that failed
    source = folder / ("in.parquet" if write is by_parquet else "in.csv")
    source.write_bytes(write(rows))
    order = Order(model=model, identity=Identity("m", "1"), input=source, output=folder / target, chunk_rows=chunk)
    assert score(order, lambda *_: None).rows == len(rows)
    found = read(folder / target)
    numbers = [math.nan if row["x"] is None else row["x"] for row in found]
    assert numbers == pytest.approx([math.nan if x is None else x for x, _, _ in rows], nan_ok=True, rel=0, abs=0)
    for name, place in (("t", 1), ("note", 2)):
        assert [row[name] or "" for row in found] == [row[place] or "" for row in rows]
    nothing = None if write in {by_pandas, by_csv_module} else ""  # these write a missing text and an empty one alike
    asked = pd.DataFrame([(x, nothing if t == "" else t) for x, t, _ in rows], columns=["x", "t"])
    assert [row["prediction"] for row in found] == described(asked.astype({"x": float}))
