"""Tables as tools write them and answers as models give them: columns by name, one schema, nothing lost in silence."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import Array

from podium.runtime.batch.failures import ScoreExit
from podium.runtime.batch.journal import Journal
from tests.contract.test_runtime.scored import Tables

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and pandas warn of themselves


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path)


def doubled(frame: pd.DataFrame) -> Any:
    return (frame["x"] * 2).to_numpy()


# What models answer


@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_the_columns_of_every_chunk_are_found_by_name(tables: Tables, target: str) -> None:
    def swapped(frame: pd.DataFrame) -> pd.DataFrame:
        found = pd.DataFrame({"approve": 1 - frame["x"] / 10, "decline": frame["x"] / 10})
        return found if frame["x"].iloc[0] < 3 else found[["decline", "approve"]]

    tables.model(swapped)
    tables.write("x\n1\n2\n3\n4\n")
    out = tables.scored("in.csv", target, "--chunk-rows", "2")
    assert out["prediction_approve"].astype(float).tolist() == pytest.approx([0.9, 0.8, 0.7, 0.6])
    assert out["prediction_decline"].astype(float).tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_a_column_that_only_a_later_chunk_has_is_missing_before_it(tables: Tables, target: str) -> None:
    tables.model(lambda frame: pd.DataFrame({"a" if x < 3 else "b": [x] for x in frame["x"]}))
    tables.write("x\n1\n3\n")
    out = tables.scored("in.csv", target, "--chunk-rows", "1").replace("", None)
    assert out["prediction_a"].isna().tolist() == [False, True]
    assert out["prediction_b"].isna().tolist() == [True, False]


@pytest.mark.parametrize("missing", [(1, 2), (3, 4)])
def test_a_chunk_in_which_all_is_missing_does_not_decide_the_type(tables: Tables, missing: tuple[int, ...]) -> None:
    tables.model(lambda frame: pd.DataFrame({"tier": [None if x in missing else int(x) for x in frame["x"]]}))
    tables.write("x\n1\n2\n3\n4\n")
    out = tables.scored("in.csv", "out.parquet", "--chunk-rows", "2")
    expected = [None if x in missing else x for x in (1, 2, 3, 4)]
    assert [None if np.isnan(x) else x for x in out["prediction_tier"]] == expected


def test_a_type_that_grows_wider_in_a_later_chunk_holds_for_the_whole_file(tables: Tables) -> None:
    tables.model(lambda frame: [int(x) if x < 3 else x + 0.5 for x in frame["x"]])
    tables.write("x\n1\n2\n3\n4\n")
    out = tables.scored("in.csv", "out.parquet", "--chunk-rows", "2", "--json")
    assert out["prediction"].tolist() == [1.0, 2.0, 3.5, 4.5]


def test_a_column_of_two_kinds_is_refused_with_both(tables: Tables) -> None:
    tables.model(lambda frame: [x if x < 3 else "many" for x in frame["x"]])
    tables.write("x\n1\n2\n3\n4\n")
    message = tables.refused(ScoreExit.MODEL_FAILED, "in.csv", "out.csv", "--chunk-rows", "2")
    assert "rows 3 to 4: the model answers prediction as string, and as double in the rows before" in message


@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_a_dict_of_columns_is_a_table(tables: Tables, target: str) -> None:
    tables.model(lambda frame: {"label": ["a"] * len(frame), "score": np.full(len(frame), 0.5)})
    tables.write("x\n1\n2\n")
    out = tables.scored("in.csv", target)
    assert (out["prediction_label"].tolist(), out["prediction_score"].astype(float).tolist()) == (["a"] * 2, [0.5] * 2)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_probabilities_of_several_outputs_are_columns_not_rows(tables: Tables, rows: int) -> None:
    tables.model(lambda frame: [np.column_stack([frame["x"] + n, frame["x"] - n]) for n in (0, 10)])
    tables.write("x\n" + "".join(f"{x}\n" for x in range(rows)))
    out = tables.scored("in.csv", "out.parquet")
    assert out["prediction_1_0"].tolist() == [x + 10 for x in range(rows)]
    assert out["prediction_0_1"].tolist() == list(range(rows))


def test_objects_are_json_in_csv_and_objects_in_parquet(tables: Tables) -> None:
    tables.model(lambda frame: [{"label": "ä,b", "score": float(x)} for x in frame["x"]])
    tables.write("x\n1\n")
    assert json.loads(tables.scored("in.csv", "out.csv")["prediction"][0]) == {"label": "ä,b", "score": 1.0}
    assert tables.scored("in.csv", "out.parquet")["prediction"][0] == {"label": "ä,b", "score": 1.0}


def test_lists_of_different_lengths_are_json_in_csv(tables: Tables) -> None:
    tables.model(lambda frame: [[x] * int(x) for x in frame["x"]])
    tables.write("x\n1\n2\n")
    assert tables.scored("in.csv", "out.csv")["prediction"].tolist() == ["[1.0]", "[2.0, 2.0]"]


def test_bytes_are_base64_in_csv_and_bytes_in_parquet(tables: Tables) -> None:
    tables.model(lambda frame: [b"\x00\xff"] * len(frame))
    tables.write("x\n1\n")
    assert tables.scored("in.csv", "out.csv")["prediction"].tolist() == ["AP8="]
    assert tables.scored("in.csv", "out.parquet")["prediction"].tolist() == [b"\x00\xff"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: [2**70], "more than 64 bits"),
        (lambda _: [1j], "did not recognize"),
        (lambda _: None, "answered nothing"),
        (lambda _: 1.0, "answered one float"),
        (lambda _: "text", "answered one str"),
        (lambda _: [1.0, 2.0], "asked for 1 rows and answered 2"),
        (lambda _: {"a": [1, 2]}, "asked for 1 rows and answered 2"),
        (lambda _: pd.DataFrame([[1, 2]], columns=["a", "a"]), "column 'a' more than once"),
        (lambda _: 1 / 0, "the model raised ZeroDivisionError (test_score_tables.py:"),
    ],
)
@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_an_answer_that_is_no_column_is_the_models_fault_by_rows(
    tables: Tables, target: str, answer: Any, said: str
) -> None:
    tables.model(answer)
    tables.write("x\n1\n")
    message = tables.refused(ScoreExit.MODEL_FAILED, "in.csv", target)
    assert said in message
    assert "in.csv: rows 1 to 1: " in message


@pytest.mark.parametrize(
    "answer",
    [
        pd.Series([1.5, 2.5], index=[7, 7]),
        pd.Categorical(["a", "b"]),
        np.array([[1.0], [2.0]], np.float16),
        [Decimal("1.50"), Decimal("22.125")],
        [datetime(2026, 1, 1, tzinfo=UTC), None],
        [True, None],
        (1.0, 2.0),
    ],
    ids=lambda answer: type(answer).__name__,
)
@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_all_that_a_model_may_answer_is_written(tables: Tables, target: str, answer: Any) -> None:
    tables.model(lambda _: answer)
    tables.write("x\n1\n2\n")
    out = tables.scored("in.csv", target)
    assert len(out) == 2
    assert any(name.startswith("prediction") for name in out.columns)


# Names


@pytest.mark.parametrize("name", ["run_id", "prediction"])
@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_an_input_column_called_like_an_added_one_is_refused_or_renamed(tables: Tables, target: str, name: str) -> None:
    tables.model(doubled)
    tables.write(f"{name},x,input_{name}\nmine,1,other\n")
    message = tables.refused(ScoreExit.NAME_CLASH, "in.csv", target)
    assert f"column {name!r}" in message
    assert f"--rename-clashes to keep it as 'input_input_{name}'" in message
    out = tables.scored("in.csv", target, "--rename-clashes")
    assert out.loc[0, [f"input_input_{name}", f"input_{name}"]].tolist() == ["mine", "other"]
    assert float(out["prediction"][0]) == 2.0


@pytest.mark.parametrize("source", ["in.csv", "in.parquet"])
def test_a_column_that_is_there_twice_is_refused_before_the_model_is_asked(tables: Tables, source: str) -> None:
    tables.model(lambda _: pytest.fail("asked"))
    tables.write("id,id,x\n1,2,1\n")
    pq.write_table(pa.table([[1], [2], [1.0]], names=["id", "id", "x"]), tables.folder / "in.parquet")
    message = tables.refused(ScoreExit.UNREADABLE, source, "out.csv")
    assert "column 'id' is there 2 times (columns 1 and 2); rename one" in message


@pytest.mark.parametrize("source", ["in.csv", "in.parquet"])
def test_columns_of_a_signature_that_are_named_by_numbers_are_found(tables: Tables, source: str) -> None:
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]])
    tables.model(lambda asked: (asked[0] + asked[1]).to_numpy(), infer_signature(frame))
    frame.to_csv(tables.folder / "in.csv", index=False)
    frame.rename(columns=str).to_parquet(tables.folder / "in.parquet")
    assert tables.scored(source, "out.parquet")["prediction"].tolist() == [3.0, 7.0]


def test_the_columns_of_a_signature_without_names_are_taken_by_position(tables: Tables) -> None:
    signature = ModelSignature(inputs=Schema([ColSpec(DataType.double), ColSpec(DataType.string)]))
    tables.model(lambda frame: [f"{a}{b}" for a, b in frame.itertuples(index=False)], signature)
    tables.write("amount,code,id\n1,007,9\n")
    assert tables.scored("in.csv", "out.csv")["prediction"].tolist() == ["1.0007"]


def test_a_tensor_signature_takes_the_table_in_its_type(tables: Tables) -> None:
    signature = ModelSignature(inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, 2))]))
    tables.model(lambda asked: np.asarray(asked).sum(axis=1), signature)
    tables.write("a,b\n1,2\n3,4\n")
    assert tables.scored("in.csv", "out.parquet")["prediction"].tolist() == [3.0, 7.0]


# CSV as tools write it


def test_what_is_not_the_models_is_carried_through_as_it_stands(tables: Tables) -> None:
    tables.model(doubled)
    tables.write('id,x,note\r\n007,1.50,"say ""hi"", \r\nnow"\r\n0x1,2,NA\r\n,3,""\r\n')
    out = tables.scored("in.csv", "out.csv", "--chunk-rows", "2")
    assert out["id"].tolist() == ["007", "0x1", ""]
    assert out["x"].tolist() == ["1.50", "2", "3"]
    assert out["note"].tolist() == ['say "hi", \r\nnow', "NA", ""]
    assert out["prediction"].astype(float).tolist() == [3.0, 4.0, 6.0]
    assert b'"now"' not in (tables.folder / "out.csv").read_bytes()
    typed = tables.scored("in.csv", "out.parquet", "--chunk-rows", "2")
    assert typed["id"].tolist()[:2] == ["007", "0x1"]
    assert pd.isna(typed["id"][2])
    assert typed["note"].tolist() == ['say "hi", \r\nnow', "NA", ""]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufeffx,id\n1,a\n2,b\n", id="BOM"),
        pytest.param("x,id\n\n1,a\n\n2,b\n\n", id="empty lines"),
        pytest.param("x,id\r1,a\r2,b\r", id="CR"),
        pytest.param("x,id\n1,a\n2,b", id="no line end"),
        pytest.param('"x","id"\n"1","a"\n"2","b"\n', id="all quoted"),
        pytest.param("id,x\na, 1\nb,2 \n", id="spaces around numbers"),
    ],
)
@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
@pytest.mark.parametrize("rows", ["1", "100"])
def test_csv_of_many_tools_is_read(tables: Tables, text: str, target: str, rows: str) -> None:
    tables.model(doubled)
    tables.write(text)
    out = tables.scored("in.csv", target, "--chunk-rows", rows)
    assert out["id"].tolist() == ["a", "b"]
    assert out["prediction"].astype(float).tolist() == [2.0, 4.0]


def test_a_quote_in_the_middle_of_a_cell_is_text(tables: Tables) -> None:
    tables.model(doubled)
    tables.write('x,note\n1,5" pipe\n2,"a\nb"\n3,6"\n')
    out = tables.scored("in.csv", "out.parquet", "--chunk-rows", "1")
    assert out["note"].tolist() == ['5" pipe', "a\nb", '6"']


@pytest.mark.parametrize("missing", ["", '""', "NA", "NaN", "null", "#N/A", " "])
def test_a_missing_number_is_nan_however_it_is_written(tables: Tables, missing: str) -> None:
    tables.model(lambda frame: frame["x"].isna().to_numpy())
    tables.write(f"id,x\n1,1\n2,{missing}\n")
    assert tables.scored("in.csv", "out.parquet")["prediction"].tolist() == [False, True]


def test_a_missing_text_is_no_empty_text(tables: Tables) -> None:
    tables.model(
        lambda frame: ["none" if pd.isna(t) else repr(t) for t in frame["t"]], tables.columns(t=DataType.string)
    )
    tables.write('id,t\n1,\n2,""\n3,NA\n4,007\n')
    assert tables.scored("in.csv", "out.csv")["prediction"].tolist() == ["none", "''", "'NA'", "'007'"]


def test_types_without_a_signature_are_those_of_the_whole_file(tables: Tables) -> None:
    seen: list[str] = []
    tables.model(lambda frame: [str(dict(frame.dtypes.astype(str)))] * len(frame), None)
    tables.write("id,x,n,flag,late\n" + "007,1,1,true,1\n" * 5 + "8,2,,false,x\n9,1.5,3,true,1\n")
    for rows in ("1", "2", "100"):
        out = tables.scored("in.csv", "out.csv", "--chunk-rows", rows)
        assert out["id"].tolist() == ["007"] * 5 + ["8", "9"]
        seen += out["prediction"].tolist()
    assert set(seen) == {"{'id': 'str', 'x': 'float64', 'n': 'float64', 'flag': 'bool', 'late': 'str'}"}


def test_ids_of_more_digits_than_a_number_holds_stay_whole(tables: Tables) -> None:
    tables.model(lambda frame: frame["id"].astype(str).tolist(), None)
    tables.write("id\n12345678901234567890\n1\n")
    assert tables.scored("in.csv", "out.parquet")["prediction"].tolist() == ["12345678901234567890", "1"]


def test_times_with_a_zone_are_the_instant_in_utc(tables: Tables) -> None:
    tables.model(lambda frame: frame["t"].astype(str).tolist(), tables.columns(t=DataType.datetime))
    tables.write("t\n2026-01-01T00:00:00Z\n2026-01-01T01:00:00+02:00\n2026-01-01\n2026-01-01 05:00:00\n")
    expected = ["2026-01-01 00:00:00", "2025-12-31 23:00:00", "2026-01-01 00:00:00", "2026-01-01 05:00:00"]
    out = tables.scored("in.csv", "out.parquet", "--chunk-rows", "2")
    assert [pd.Timestamp(t) for t in out["prediction"]] == [pd.Timestamp(t) for t in expected]
    assert out["t"][1] == "2026-01-01T01:00:00+02:00", "a column with zones is carried as the text that it is"
    tables.write("t\n2026-01-01\n2026-01-01 05:00:00\n")
    assert tables.scored("in.csv", "out.parquet")["t"].tolist() == [pd.Timestamp(t) for t in expected[2:]]


def test_lists_and_bytes_are_read_from_their_text(tables: Tables) -> None:
    signature = ModelSignature(inputs=Schema([ColSpec(Array(DataType.double), "v"), ColSpec(DataType.binary, "b")]))
    tables.model(lambda frame: [float(sum(v)) + len(b) for v, b in zip(frame["v"], frame["b"], strict=True)], signature)
    tables.write('v,b\n"[1, 2.5]",AP8=\n')
    assert tables.scored("in.csv", "out.parquet")["prediction"].tolist() == [5.5]


# Parquet as tools write it


@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_parquet_columns_that_mean_what_the_signature_says_are_taken(tables: Tables, target: str) -> None:
    kinds = {"n": DataType.double, "d": DataType.double, "f": DataType.float, "w": DataType.long, "s": DataType.string}
    tables.model(
        lambda frame: [f"{row.n}|{row.d}|{row.f}|{row.w}|{row.s}|{row.t}" for row in frame.itertuples()],
        tables.columns(**kinds, t=DataType.datetime),
    )
    times = pa.array([datetime(2026, 1, 1, 0, tzinfo=UTC)] * 2).cast(pa.timestamp("us", "Europe/Berlin"))
    columns = {
        "n": pa.array([2, 3]),
        "d": pa.array([Decimal("1.50"), Decimal("22.25")]),
        "f": pa.array([0.5, 1.0]),
        "w": pa.array([1.0, 2.0]),
        "s": pa.array(["a", "b"]).dictionary_encode(),
        "t": times,
        "price": pa.array([Decimal("1.10"), None]),
        "blob": pa.array([b"\x00", None]),
        "many": pa.array([[1, 2], None]),
    }
    pq.write_table(pa.table(columns), tables.folder / "in.parquet")
    out = tables.scored("in.parquet", target, "--chunk-rows", "1")
    assert out["prediction"].tolist() == [
        "2.0|1.5|0.5|1|a|2026-01-01 00:00:00",
        "3.0|22.25|1.0|2|b|2026-01-01 00:00:00",
    ]
    first = {"out.csv": ["1.10", "AA==", "[1, 2]"], "out.parquet": [Decimal("1.10"), b"\x00", [1, 2]]}[target]
    assert [out["price"][0], out["blob"][0], list(out["many"][0]) if "parquet" in target else out["many"][0]] == first


def test_whole_numbers_with_a_gap_anywhere_are_floats_for_a_model_without_a_signature(tables: Tables) -> None:
    tables.model(lambda frame: [str(frame["n"].dtype)] * len(frame), None)
    pq.write_table(pa.table({"n": [1, 2, None]}), tables.folder / "in.parquet")
    assert set(tables.scored("in.parquet", "out.csv", "--chunk-rows", "1")["prediction"]) == {"float64"}


def test_small_row_groups_are_joined_to_chunks(tables: Tables) -> None:
    tables.model(lambda frame: np.full(len(frame), len(frame)))
    pq.write_table(pa.table({"x": [float(n) for n in range(10)]}), tables.folder / "in.parquet", row_group_size=3)
    assert tables.scored("in.parquet", "out.parquet", "--chunk-rows", "5")["prediction"].tolist() == [5] * 10


# Refusals


@pytest.mark.parametrize(
    ("kind", "cell", "said"),
    [
        (DataType.double, "abc", "row 3, column 'x': expected a number (double), found another text; correct the cell"),
        (DataType.long, "1.5", "row 3, column 'x': expected a whole number (int64)"),
        (DataType.long, "", "row 3, column 'x': expected a whole number (int64), found nothing"),
        (DataType.integer, "3000000000", "row 3, column 'x': expected a whole number (int32)"),
        (DataType.boolean, "maybe", "row 3, column 'x': expected true or false"),
        (DataType.datetime, "yesterday", "row 3, column 'x': expected a date or time"),
        (DataType.binary, "%%%", "row 3, column 'x': expected bytes"),
    ],
)
@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_a_cell_that_does_not_fit_is_named_by_row_and_column(
    tables: Tables, kind: DataType, cell: str, said: str, target: str
) -> None:
    good = {DataType.boolean: "true", DataType.datetime: "2026-01-01", DataType.binary: "AP8="}.get(kind, "1")
    tables.model(lambda frame: [1.0] * len(frame), tables.columns(x=kind))
    tables.write(f"id,x\n1,{good}\n2,{good}\n3,{cell}\n4,{good}\n")
    assert said in tables.refused(ScoreExit.UNFIT, "in.csv", target, "--chunk-rows", "2")


def test_a_parquet_column_of_another_kind_is_named(tables: Tables) -> None:
    tables.model(doubled)
    pq.write_table(pa.table({"x": ["1"]}), tables.folder / "in.parquet")
    message = tables.refused(ScoreExit.UNFIT, "in.parquet", "out.csv")
    assert "column 'x': expected a number (double), found a text; convert the column" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "found an empty file"),
        (b"id,x\n", "found only a header"),
        ("x\n1\n".encode("utf-16"), "expected UTF-8, found UTF-16"),
        (b"id,x\n1,1\n2,2,2\n", "row 2: expected 2 cells as in the header, found 3"),
        (b"id,x\n1,1\n2\n", "row 2: expected 2 cells as in the header, found 1"),
        (b'id,x\n1,1\n"2,2\n', "row 2"),
        (b"x,caf\xe9\n1,1\n", "save the table as UTF-8"),
    ],
)
def test_what_is_no_csv_is_refused_with_its_row(tables: Tables, text: bytes, said: str) -> None:
    tables.model(doubled)
    tables.write(text)
    assert said in tables.refused(ScoreExit.UNREADABLE, "in.csv", "out.csv")


def test_what_is_no_parquet_is_refused(tables: Tables) -> None:
    tables.model(doubled)
    tables.write(b"PAR1 not at all", "in.parquet")
    assert "in.parquet: cannot be read" in tables.refused(ScoreExit.UNREADABLE, "in.parquet", "out.csv")


def test_a_folder_that_is_a_file_is_told_before_the_model_is_asked(tables: Tables) -> None:
    tables.model(lambda _: pytest.fail("asked"))
    tables.write("x\n1\n")
    message = tables.refused(ScoreExit.UNWRITABLE, "in.csv", "in.csv/out.csv")
    assert "cannot be written (Not a directory)" in message


def test_a_full_disk_is_told_and_the_same_command_goes_on(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    from podium.runtime.batch import outputs  # noqa: PLC0415  beside what it changes

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    tables.model(doubled)
    tables.write("x\n1\n")
    with monkeypatch.context() as patched:
        patched.setattr(outputs.CsvOutput, "write", full)
        message = tables.refused(ScoreExit.UNWRITABLE, "in.csv", "out.csv")
    assert "No space left on device); free some space, and run the same command again" in message
    assert tables.scored("in.csv", "out.csv")["prediction"].astype(float).tolist() == [2.0]


def test_an_address_is_no_output(tables: Tables) -> None:
    tables.model(doubled)
    tables.write("x\n1\n")
    from click.testing import CliRunner  # noqa: PLC0415  only here without the helper's folder

    from podium.cli.score import score  # noqa: PLC0415

    places = ["--input", str(tables.folder / "in.csv"), "--output", "s3://bucket/out.parquet"]
    done = CliRunner().invoke(score, ["--model", str(tables.folder / "model"), *places])
    assert done.exit_code == 2
    assert "expected a local file, found the address s3:/bucket/out.parquet" in done.output


def test_half_a_journal_is_predicted_again_and_an_unreadable_note_is_told(tables: Tables) -> None:
    def stubborn(frame: pd.DataFrame) -> Any:
        if (tables_folder / "stop").exists() and frame["x"].iloc[0] == 3:
            raise ValueError("stopped")
        return doubled(frame)

    tables_folder = tables.folder
    tables.model(stubborn)
    tables.write("x\n1\n2\n3\n")
    (tables.folder / "stop").touch()
    tables.refused(ScoreExit.MODEL_FAILED, "in.csv", "out.csv", "--chunk-rows", "1")
    (tables.folder / "stop").unlink()
    journal = tables.folder / "out.csv.scoring"
    (journal / "00000001.arrow").write_bytes((journal / "00000001.arrow").read_bytes()[:40])
    note = (journal / "run.json").read_text()
    (journal / "run.json").write_text(note[:20])
    message = tables.refused(ScoreExit.OTHER_RUN, "in.csv", "out.csv", "--chunk-rows", "1")
    assert "run.json: cannot be read; remove the folder" in message
    (journal / "run.json").write_text(note)
    out = tables.scored("in.csv", "out.csv", "--chunk-rows", "1")
    assert out["prediction"].astype(float).tolist() == [2.0, 4.0, 6.0]


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_another_separator_is_named(tables: Tables, sign: str, name: str) -> None:
    tables.model(doubled, tables.columns(x=DataType.double, y=DataType.double))
    tables.write(f"x{sign}y\n1,5{sign}2\n")
    said = tables.refused(ScoreExit.UNFIT, "in.csv", "out.csv")
    assert f"found one whose name holds {name}; save the table with commas" in said


def test_two_runs_of_one_output_do_not_mix(tables: Tables) -> None:
    tables.model(doubled)
    tables.write("x\n1\n2\n")
    with Journal(tables.folder / "out.csv").alone():
        said = tables.refused(ScoreExit.OTHER_RUN, "in.csv", "out.csv")
        assert "another run is writing this output now" in said
    assert len(tables.scored("in.csv", "out.csv")) == 2
    assert not (tables.folder / "out.csv.scoring").exists()


@pytest.mark.parametrize("rows", [3, 20_000])
def test_a_quote_that_is_not_closed_is_refused_and_loses_no_row(tables: Tables, rows: int) -> None:
    """A file that was cut off inside a cell ended with exit 0, and all rows behind the quote were one text."""
    tables.model(doubled)
    tables.write('x,t\n1,a\n2,"open\n' + "3,b\n" * rows)
    assert "a quote is not closed" in tables.refused(ScoreExit.UNREADABLE, "in.csv", "out.csv")


def test_a_quote_in_the_middle_of_the_last_cell_is_text(tables: Tables) -> None:
    tables.model(doubled)
    tables.write('x,t\n1,a\n2,5" pipe\n')
    assert tables.scored("in.csv", "out.csv")["x"].astype(float).tolist() == [1.0, 2.0]
