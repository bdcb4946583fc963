"""One input has one meaning: the same rows, sent by every door, reach the model as the same values."""

import base64
import json
import struct
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array

from podium.runtime.exchange import JSON
from podium.runtime.protocols.messages import ModelInferRequest, ModelInferResponse
from tests.contract.test_runtime.asked import Server, served

PARQUET = b"application/vnd.apache.parquet"
pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves


class Described(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Says what it was given, values and types; null in one word, whatever pandas has for it."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        if not isinstance(model_input, pd.DataFrame):
            return [f"{model_input.dtype} {model_input.tolist()}"]
        return [" ".join(map(described, row)) for row in model_input.itertuples(index=False)]


def described(cell: Any) -> str:
    if isinstance(cell, (list, np.ndarray)):
        return repr([float(each) for each in cell])
    return "null" if pd.isna(cell) else f"{type(cell).__name__}:{cell!r}"


class Answering(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Answers what a test wants to be written."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return self.answer


def saved(path: Path, model: Any, inputs: Schema | None) -> Path:
    signature = ModelSignature(inputs=inputs) if inputs is not None else None
    mlflow.pyfunc.save_model(path, python_model=model, signature=signature, pip_requirements=[])
    return path


# Column by column: its type, its datatype in the Open Inference Protocol, and cells that are right
KINDS: dict[str, tuple[Any, str, list[Any]]] = {
    "double": (DataType.double, "FP64", [1.5, 2.0, -0.25]),
    "double of whole numbers": (DataType.double, "FP64", [1, 2, 3]),
    "float": (DataType.float, "FP32", [0.5, 2.0]),
    "long": (DataType.long, "INT64", [3, 2**53 + 1]),
    "integer": (DataType.integer, "INT32", [3, -4]),
    "boolean": (DataType.boolean, "BOOL", [True, False]),
    "text": (DataType.string, "BYTES", ["x", "é", "7"]),
    "null among texts": (DataType.string, "BYTES", ["x", None]),
    "null among numbers": (DataType.double, "FP64", [1.5, None]),
    "dates": (DataType.datetime, "BYTES", ["2026-03-29T00:30:00", "1999-12-31T00:00:00"]),
    "binary": (DataType.binary, "BYTES", [base64.b64encode(each).decode() for each in (b"hello", b"hi\xff")]),
}
# And cells that are wrong. (Of a fraction or an overflow among whole numbers, and a number among booleans, MLflow's
# forms make whole numbers and booleans by /invocations, as MLflow's server does; a tensor says its datatype and is held
# to it, see below.)
WRONG: dict[str, tuple[Any, str, list[Any]]] = {
    "a text among numbers": (DataType.double, "FP64", [1.5, "x"]),
    "a date with a zone": (DataType.datetime, "BYTES", ["2026-03-29T00:30:00.000Z"]),
    "a date with an offset": (DataType.datetime, "BYTES", ["2026-03-29T00:30:00+02:00"]),
    "no date": (DataType.datetime, "BYTES", ["yesterday"]),
    "null among whole numbers": (DataType.long, "INT64", [None]),
}


def doors(server: Server, kind: Any, datatype: str, cells: list[Any]) -> Iterator[tuple[str, int, Any]]:
    records = [{"n": 1.0, "c": cell} for cell in cells]
    split = {"columns": ["n", "c"], "data": [[1.0, cell] for cell in cells]}
    turned = {"columns": ["c", "n"], "data": [[cell, 1.0] for cell in cells]}
    for form, value in (("dataframe_records", records), ("dataframe_split", split), ("dataframe_split", turned)):
        yield form, *picked(server.post("/invocations", {form: value}), "predictions")
    yield "batch", *picked(server.post("/api/v1/batch", {"items": records}), "predictions")
    one = [picked(server.post("/api/v1/predict", record), "prediction") for record in records]
    yield "predict", max(status for status, _ in one), [answer for _, answer in one]
    for shape in ([len(cells)], [len(cells), 1]):
        tensors = [
            {"name": "c", "datatype": datatype, "shape": shape, "data": cells},
            {"name": "n", "datatype": "FP64", "shape": shape, "data": [1.0] * len(cells)},
        ]
        status, answer = server.post(f"/v2/models/{server.name}/infer", {"inputs": tensors})
        yield f"infer {shape}", status, answer["outputs"][0]["data"] if status == 200 else answer
    csv = pd.DataFrame(records).to_csv(index=False).encode()
    yield "csv", *picked(server.post("/invocations", csv, b"text/csv"), "predictions")


def picked(answer: tuple[int, Any], name: str) -> tuple[int, Any]:
    status, body = answer
    return status, body[name] if status == 200 else body


@pytest.mark.parametrize("name", KINDS)
def test_the_same_rows_mean_the_same_by_every_door(name: str, tmp_path: Path) -> None:
    kind, datatype, cells = KINDS[name]
    schema = Schema([ColSpec(DataType.double, "n"), ColSpec(kind, "c")])
    with served(saved(tmp_path / "model", Described(), schema)) as server:
        (_, status, expected), *others = doors(server, kind, datatype, cells)
        assert status == 200, expected
        assert {door: answer for door, _, answer in others} == {door: expected for door, _, _ in others}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_wrong_by_every_door_and_the_column_is_named(name: str, tmp_path: Path) -> None:
    kind, datatype, cells = WRONG[name]
    schema = Schema([ColSpec(DataType.double, "n"), ColSpec(kind, "c")])
    with served(saved(tmp_path / "model", Described(), schema)) as server:
        for door, status, answer in doors(server, kind, datatype, cells):
            assert status == 400, (door, answer)
            assert "'c'" in json.dumps(answer), (door, answer)
        assert server.count("podium_consecutive_failures") == 0


CONVERTED: dict[str, tuple[Any, str, list[Any]]] = {
    "a fraction among whole numbers": (DataType.long, "FP64", [1.5]),
    "a number beyond an integer": (DataType.integer, "INT64", [2**31]),
    "null among booleans": (DataType.boolean, "BOOL", [None]),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_what_mlflow_converts_is_converted_alike_by_every_door_for_json(name: str, tmp_path: Path) -> None:
    kind, datatype, cells = CONVERTED[name]
    schema = Schema([ColSpec(DataType.double, "n"), ColSpec(kind, "c")])
    with served(saved(tmp_path / "model", Described(), schema)) as server:
        answers = {door: (status, answer) for door, status, answer in doors(server, kind, datatype, cells)}
        answers.pop("csv", None)  # MLflow's CSV refuses them
    expected = answers["dataframe_records"]
    assert expected[0] == 200
    assert answers == dict.fromkeys(answers, expected)


def test_parquet_means_the_same(tmp_path: Path) -> None:
    schema = Schema([ColSpec(DataType.double, "n"), ColSpec(DataType.binary, "c"), ColSpec(DataType.datetime, "t")])
    with served(saved(tmp_path / "model", Described(), schema)) as server:
        record = {"n": 1.5, "c": base64.b64encode(b"hi\xff").decode(), "t": "2026-03-29T00:30:00"}
        expected = server.post("/invocations", {"dataframe_records": [record]})
        frame = pd.DataFrame({"n": [1.5], "c": [b"hi\xff"], "t": pd.to_datetime(["2026-03-29T00:30:00"])})
        buffer = BytesIO()
        frame.to_parquet(buffer)
        assert server.post("/invocations", buffer.getvalue(), b"application/vnd.apache.parquet") == expected


def test_a_column_of_arrays_means_the_same(tmp_path: Path) -> None:
    schema = Schema([ColSpec(Array(DataType.double), "v")])
    with served(saved(tmp_path / "model", Described(), schema)) as server:
        rows = [[1.5, 2.0], [0.5, 3.0]]
        status, answer = server.post("/invocations", {"dataframe_records": [{"v": row} for row in rows]})
        assert status == 200, answer
        texts = {"name": "v", "datatype": "BYTES", "shape": [2], "data": [json.dumps(row) for row in rows]}
        numbers = {"name": "v", "datatype": "FP64", "shape": [2, 2], "data": [1.5, 2.0, 0.5, 3.0]}
        csv = pd.DataFrame({"v": [json.dumps(row) for row in rows]}).to_csv(index=False).encode()
        assert server.post("/invocations", csv, b"text/csv") == (status, answer)
        for tensor in (texts, numbers):
            status, infer = server.post(f"/v2/models/{server.name}/infer", {"inputs": [tensor]})
            assert status == 200, infer
            assert infer["outputs"][0]["data"] == answer["predictions"]


@pytest.mark.parametrize("datatype", ["FP32", "FP64", "FP16", "INT8", "UINT8", "INT64"])
def test_without_a_signature_a_tensor_is_an_array_of_its_datatype(datatype: str, tmp_path: Path) -> None:
    with served(saved(tmp_path / "model", Described(), None)) as server:
        tensor = {"name": "x", "datatype": datatype, "shape": [1, 2], "data": [1, 2]}
        _, answer = server.post(f"/v2/models/{server.name}/infer", {"inputs": [tensor]})
    name = datatype.lower().replace("fp", "float")
    assert answer["outputs"][0]["data"][0].startswith(f"{name} [[1")


@pytest.mark.parametrize(
    ("datatype", "cell"),
    [
        ("INT8", 300),
        ("UINT8", -1),
        ("INT64", 1.5),
        ("INT64", True),
        ("BOOL", 1),
        ("FP64", "1.5"),
        ("FP32", 1e308),
        ("FP16", 70000.0),
        ("BYTES", 7),
        ("INT64", None),
    ],
)
def test_a_tensor_holds_what_its_datatype_holds(datatype: str, cell: Any, tmp_path: Path) -> None:
    with served(saved(tmp_path / "model", Described(), None)) as server:
        tensor = {"name": "x", "datatype": datatype, "shape": [1], "data": [cell]}
        status, answer = server.post(f"/v2/models/{server.name}/infer", {"inputs": [tensor]})
    assert status == 400
    assert f"expected {datatype}" in answer["error"]


@pytest.mark.parametrize(
    "inputs",
    [
        [{"name": "x", "datatype": "BYTES", "shape": [2**62] * 100_000, "data": []}],
        [{"name": "x", "datatype": "BYTES", "shape": [0], "data": []}] * 20_000,
    ],
    ids=["many dimensions", "many tensors of one name"],
)
def test_a_body_that_is_made_to_be_slow_is_refused_at_once(inputs: list[Any], tmp_path: Path) -> None:
    with served(saved(tmp_path / "model", Described(), None), REQUEST_SECONDS="5") as server:
        status, answer = server.post(f"/v2/models/{server.name}/infer", {"inputs": inputs})
    assert status == 400
    assert len(answer["error"]) < 1000


ANSWERS: dict[str, tuple[Any, list[Any]]] = {
    "objects of NumPy's numbers": (
        [{"label": "a", "score": np.float32(0.5)}],
        ['{"label":"a","score":0.5}'],
    ),
    "bytes": (np.array([b"\x00\xff"], dtype=object), ["AP8=\n"]),
    "whole numbers beyond 64 bits": ([2**70], [str(2**70)]),
    "dates": (np.array(["2026-03-29T00:30:00"], dtype="datetime64[ns]"), ["2026-03-29T00:30:00"]),
    "dates in a table": (pd.DataFrame({"t": pd.to_datetime(["2026-03-29T00:30:00"])}), ["2026-03-29T00:30:00"]),
    "lists of several lengths": ([[1.5], [1.5, 2.5]], ["[1.5]", "[1.5,2.5]"]),
    "null": ([None, "x"], [None, "x"]),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("outputs", [None, []], ids=["all outputs", "an empty list of outputs"])
def test_what_is_no_plain_number_is_answered_as_text(name: str, outputs: Any, tmp_path: Path) -> None:
    answer, expected = ANSWERS[name]
    with served(saved(tmp_path / "model", Answering(answer), Schema([ColSpec(DataType.double, "x")]))) as server:
        body: dict[str, Any] = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [1.0]}]}
        status, found = server.post(
            f"/v2/models/{server.name}/infer", body if outputs is None else {**body, "outputs": outputs}
        )
        assert status == 200, found
        assert [output["data"] for output in found["outputs"]] == [expected]


def test_an_answer_that_json_cannot_say_is_the_models_fault_by_every_door(tmp_path: Path) -> None:
    schema = Schema([ColSpec(DataType.double, "x")])
    with served(saved(tmp_path / "model", Answering([Decimal("1.5")]), schema)) as server:
        body = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [1.0]}]}
        for path, sent in ((f"/v2/models/{server.name}/infer", body), ("/api/v1/predict", {"x": 1.0})):
            status, answer = server.post(path, sent)
            assert status == 500
            assert "cannot be written as JSON" in json.dumps(answer)


X = Schema([ColSpec(DataType.double, "x")])


def answers_to(server: Server, rows: int) -> dict[str, tuple[int, Any]]:
    """What each door answers to so many rows: the predictions, as /invocations gives them."""
    records = [{"x": float(row)} for row in range(rows)]
    tensor = {"name": "x", "datatype": "FP64", "shape": [rows], "data": [float(row) for row in range(rows)]}
    status, infer = server.post(f"/v2/models/{server.name}/infer", {"inputs": [tensor]})
    return {
        "invocations": picked(server.post("/invocations", {"dataframe_records": records}), "predictions"),
        "batch": picked(server.post("/api/v1/batch", {"items": records}), "predictions"),
        "infer": (status, infer["outputs"][0]["data"] if status == 200 else infer),
    }


UNEVEN: dict[str, Any] = {
    "more": [1.5, 2.5, 3.5],
    "more in an array": np.array([1.5, 2.5, 3.5]),
    "fewer": [1.5],
    "none": [],
}


@pytest.mark.parametrize("name", UNEVEN)
def test_an_answer_of_another_number_of_rows_is_passed_on_by_every_door(name: str, tmp_path: Path) -> None:
    with served(saved(tmp_path / "model", Answering(UNEVEN[name]), X)) as server:
        answers = answers_to(server, 2)
        assert answers == dict.fromkeys(answers, (200, list(UNEVEN[name])))
        lines = (b"accept", b"application/x-ndjson")
        _, line = server.post("/api/v1/batch", {"items": [{"x": 1.0}] * 2}, JSON, lines)
        assert json.loads(line) == {"index": 0, "items": 2, "predictions": list(UNEVEN[name])}
        assert server.count('podium_requests_total{outcome="ok"') == 4


@pytest.mark.parametrize("answer", [None, 1.5, {"label": "a"}, "text"])
def test_an_answer_without_rows_is_passed_on_by_every_door(answer: Any, tmp_path: Path) -> None:
    with served(saved(tmp_path / "model", Answering(answer), X)) as server:
        answers = answers_to(server, 2)
        assert answers["invocations"] == answers["batch"] == (200, answer)
        _, one = server.post("/api/v1/predict", {"x": 1.0})
        assert one["prediction"] == answer


def test_one_item_with_several_answers_gets_them_all(tmp_path: Path) -> None:
    with served(saved(tmp_path / "model", Answering([1.5, 2.5]), X)) as server:
        status, found = server.post("/api/v1/predict", {"x": 1.0})
        assert (status, found.get("prediction")) == (200, [1.5, 2.5])


# What pandas and NumPy have beside plain lists, and the two answers that it means
ALIKE: dict[str, tuple[Any, list[Any]]] = {
    "categories": (pd.Categorical(["u", None]), ["u", None]),
    "an index": (pd.Index([1, 2]), [1, 2]),
    "whole numbers with a gap": (pd.array([1, None], dtype="Int64"), [1, None]),
    "NA in a list": ([pd.NA, 1.5], [None, 1.5]),
    "null among numbers": ([1.5, None], [1.5, None]),
    "null among texts": (["x", None], ["x", None]),
    "long doubles": (np.array([1.5, 2.0], dtype=np.longdouble), [1.5, 2.0]),
    "numbers as objects": (np.array([1, 2], dtype=object), [1, 2]),
    "no time": (np.array(["2026-03-29", "NaT"], dtype="datetime64[s]"), ["2026-03-29T00:00:00", None]),
}


# What no datatype of the protocol holds as it is: the prediction, and the text of each element
BESIDE_NUMBERS: dict[str, tuple[Any, list[Any], list[str | None]]] = {
    "a large whole number and null": (
        pd.array([2**53 + 1, None], dtype="Int64"),
        [2**53 + 1, None],
        [f"{2**53 + 1}", None],
    ),
    "a large whole number and a fraction": ([2**53 + 1, 0.5], [2**53 + 1, 0.5], [f"{2**53 + 1}", "0.5"]),
    "a whole number beyond those with a sign": ([2**63 + 1, -1], [2**63 + 1, -1], [f"{2**63 + 1}", "-1"]),
    "true beside a number": ([True, 2], [True, 2], ["true", "2"]),
    "NaN beside a text": ([float("nan"), "a"], [None, "a"], [None, "a"]),
    "bytes beside a text": ([b"a", "b"], ["YQ==\n", "b"], ["YQ==\n", "b"]),
    "half a surrogate pair": (["a\ud800", "b"], ["a\ud800", "b"], ["a\ud800", "b"]),
    "a mask over whole numbers": (
        np.ma.array([2**53 + 1, 7], mask=[False, True]),
        [2**53 + 1, None],
        [f"{2**53 + 1}", None],
    ),
}


@pytest.mark.parametrize("name", BESIDE_NUMBERS)
def test_what_no_datatype_holds_is_answered_without_a_loss_by_every_door(name: str, tmp_path: Path) -> None:
    """NumPy rounded it, or made one kind of two, where /invocations did not; or it was a 500."""
    answer, predictions, texts = BESIDE_NUMBERS[name]
    with served(saved(tmp_path / "model", Answering(answer), X)) as server:
        answers = answers_to(server, 2)
        assert answers == {"invocations": (200, predictions), "batch": (200, predictions), "infer": (200, texts)}
        assert in_bytes(server) == texts_in_bytes(texts)
        assert by_grpc(server) == texts_in_bytes(texts)


def texts_in_bytes(texts: list[str | None]) -> list[bytes]:
    return [b"null" if text is None else text.encode(errors="surrogatepass") for text in texts]


def in_bytes(server: Server) -> list[bytes]:
    """The elements of the only output, as bytes behind the JSON."""
    tensor = {"name": "x", "datatype": "FP64", "shape": [2], "data": [1.0, 2.0]}
    body = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    status, found = server.post(f"/v2/models/{server.name}/infer", body)
    assert status == 200, found
    _, size = json.JSONDecoder().raw_decode(found.decode("latin-1"))
    rest, elements = found[size:], []
    while rest:
        (length,) = struct.unpack_from("<I", rest)
        elements.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    return elements


def by_grpc(server: Server) -> list[bytes]:
    """The elements of the only output, as a call of gRPC is answered."""
    request = ModelInferRequest(model_name=server.name)
    request.inputs.add(name="x", datatype="FP64", shape=[2]).contents.fp64_contents.extend([1.0, 2.0])
    answer = ModelInferResponse.FromString(server.call(request.SerializeToString()))
    return list(answer.outputs[0].contents.bytes_contents)


@pytest.mark.parametrize(
    ("answer", "datatype", "data"),
    [
        ([2**64 - 1, 1], "UINT64", [2**64 - 1, 1]),
        (np.ma.array([1.0, 2.0], mask=[True, False]), "FP64", [None, 2.0]),
        ([True, False], "BOOL", [True, False]),
    ],
)
def test_a_datatype_that_holds_all_values_is_taken(answer: Any, datatype: str, data: list[Any], tmp_path: Path) -> None:
    with served(saved(tmp_path / "model", Answering(answer), X)) as server:
        answers = answers_to(server, 2)
        assert answers == dict.fromkeys(answers, (200, data))
        request = ModelInferRequest(model_name=server.name)
        request.inputs.add(name="x", datatype="FP64", shape=[2]).contents.fp64_contents.extend([1.0, 2.0])
        (output,) = ModelInferResponse.FromString(server.call(request.SerializeToString())).outputs
        assert output.datatype == datatype


NAMED: dict[str, Any] = {
    "columns of several levels": pd.DataFrame(
        [[1.5, 2.5]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])
    ),
    "keys that are tuples": {("a", "b"): [1.5], ("a", "c"): [2.5]},
}


@pytest.mark.parametrize("name", NAMED)
def test_columns_are_named_alike_by_every_door(name: str, tmp_path: Path) -> None:
    """JSON has no such name: /invocations answered 500, and /infer the name as text."""
    with served(saved(tmp_path / "model", Answering(NAMED[name]), X)) as server:
        row = {"('a', 'b')": 1.5, "('a', 'c')": 2.5}
        tensor = {"name": "x", "datatype": "FP64", "shape": [1], "data": [1.0]}
        status, infer = server.post(f"/v2/models/{server.name}/infer", {"inputs": [tensor]})
        assert (status, {each["name"]: each["data"] for each in infer["outputs"]}) == (
            200,
            {key: [row[key]] for key in row},
        )
        status, whole = server.post("/invocations", {"dataframe_records": [{"x": 1.0}]})
        assert status == 200
        assert whole["predictions"] in ([row], {key: [cell] for key, cell in row.items()})
        assert server.post("/api/v1/batch", {"items": [{"x": 1.0}]})[1]["predictions"] == [row]
        assert server.post("/api/v1/predict", {"x": 1.0})[1]["prediction"] == row


@pytest.mark.parametrize("name", ALIKE)
def test_a_value_of_an_answer_is_the_same_by_every_door(name: str, tmp_path: Path) -> None:
    answer, expected = ALIKE[name]
    with served(saved(tmp_path / "model", Answering(answer), X)) as server:
        answers = answers_to(server, 2)
        assert answers == dict.fromkeys(answers, (200, expected))


TABLES: dict[str, tuple[pd.DataFrame, list[Any]]] = {
    "categories": (pd.DataFrame({"a": pd.Categorical(["u", None])}), ["u", None]),
    "texts with a gap": (pd.DataFrame({"a": pd.array(["x", None], dtype="string")}), ["x", None]),
    "two columns of one name": (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), [2, 4]),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_column_of_an_answer_is_the_same_by_every_door(name: str, tmp_path: Path) -> None:
    table, expected = TABLES[name]
    with served(saved(tmp_path / "model", Answering(table), X)) as server:
        answers = answers_to(server, 2)
        rows = [{"a": cell} for cell in expected]
        assert answers == {"invocations": (200, rows), "batch": (200, rows), "infer": (200, expected)}


def test_a_missing_text_is_null_in_bytes_too(tmp_path: Path) -> None:
    with served(saved(tmp_path / "model", Answering(["x", None]), X)) as server:
        tensor = {"name": "x", "datatype": "FP64", "shape": [2], "data": [1.0, 2.0]}
        body = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
        status, found = server.post(f"/v2/models/{server.name}/infer", body)
        assert status == 200, found
        assert found.endswith(b"\x01\x00\x00\x00x\x04\x00\x00\x00null")


def test_columns_of_a_dict_are_one_answer_an_item(tmp_path: Path) -> None:
    answer = {"label": ["a", "b"], "score": np.array([0.5, 0.25])}
    with served(saved(tmp_path / "model", Answering(answer), Schema([ColSpec(DataType.double, "x")]))) as server:
        status, found = server.post("/api/v1/batch", {"items": [{"x": 1.0}, {"x": 2.0}]})
        assert (status, found["predictions"]) == (200, [{"label": "a", "score": 0.5}, {"label": "b", "score": 0.25}])


def test_a_tuple_is_one_answer_an_item_as_a_list_is(tmp_path: Path) -> None:
    with served(saved(tmp_path / "model", Answering((0.5, 0.25)), Schema([ColSpec(DataType.double, "x")]))) as server:
        status, found = server.post("/api/v1/batch", {"items": [{"x": 1.0}, {"x": 2.0}]})
        assert (status, found.get("predictions")) == (200, [0.5, 0.25])


def test_columns_named_by_numbers_are_named_by_their_text(tmp_path: Path) -> None:
    named: Callable[[Any], ColSpec] = lambda name: ColSpec(DataType.double, name)  # noqa: E731
    with served(saved(tmp_path / "model", Described(), Schema([named(0), named(1)]))) as server:
        _, expected = server.post("/invocations", {"dataframe_split": {"columns": [0, 1], "data": [[1.5, 2.5]]}})
        _, item = server.post("/api/v1/predict", {"1": 2.5, "0": 1.5})
        assert server.post("/invocations", b"1,0\n2.5,1.5\n", b"text/csv") == (200, expected)
        tensors = [{"name": n, "datatype": "FP64", "shape": [1], "data": [x]} for n, x in (("1", 2.5), ("0", 1.5))]
        _, infer = server.post(f"/v2/models/{server.name}/infer", {"inputs": tensors})
    assert [item["prediction"]] == expected["predictions"] == infer["outputs"][0]["data"]


def test_a_column_that_the_signature_does_not_know_is_refused_in_csv_and_parquet_too(tmp_path: Path) -> None:
    """A misspelt optional column was dropped, and the rest answered."""
    schema = Schema([ColSpec(DataType.double, "n"), ColSpec(DataType.double, "d", required=False)])
    buffer = BytesIO()
    pd.DataFrame({"n": [1.5], "D": [2.0]}).to_parquet(buffer)
    bodies = [(b"n,D\n1.5,2\n", b"text/csv"), (buffer.getvalue(), b"application/vnd.apache.parquet")]
    with served(saved(tmp_path / "model", Described(), schema)) as server:
        for body, kind in bodies:
            status, answer = server.post("/invocations", body, kind)
            assert status == 400
            assert "column 'D'" in json.dumps(answer)
    with served(tmp_path / "model", EXTRA_COLUMNS="ignore") as server:
        assert [server.post("/invocations", body, kind)[0] for body, kind in bodies] == [200, 200]


def test_a_whole_number_that_a_record_leaves_out_is_named_as_null_in_every_form(tmp_path: Path) -> None:
    schema = Schema([ColSpec(DataType.double, "n"), ColSpec(DataType.long, "i", required=False)])
    records = [{"n": 1.5, "i": 1}, {"n": 2.5}]
    with served(saved(tmp_path / "model", Described(), schema)) as server:
        for body in (
            {"dataframe_records": records},
            {"inputs": records},
            {"inputs": {"n": [1.5, 2.5], "i": [1, None]}},
        ):
            status, answer = server.post("/invocations", body)
            assert status == 400
            assert answer["message"] == "row 1, column 'i': expected a whole number (long), found null"


def test_rows_of_instances_that_have_other_columns_are_not_mixed(tmp_path: Path) -> None:
    """MLflow makes one row of these two, and answers it."""
    schema = Schema([ColSpec(DataType.double, "n", required=False), ColSpec(DataType.double, "m", required=False)])
    with served(saved(tmp_path / "model", Described(), schema)) as server:
        status, answer = server.post("/invocations", {"instances": [{"n": 1.5}, {"m": 2.5}]})
        assert status == 400
        assert answer["message"] == "row 1: expected the columns of row 0, found another set: columns 'm', 'n'"


TYPED = Schema(
    [
        ColSpec(DataType.double, "n"),
        ColSpec(DataType.long, "i"),
        ColSpec(DataType.boolean, "b"),
        ColSpec(DataType.datetime, "t"),
        ColSpec(Array(DataType.double), "v"),
    ]
)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b"x,1,true,2026-03-29T00:30:00,[1.5]",
            "row 1, column 'n': expected a number (double), found a text that is none",
        ),
        (b"1.5,1.5,true,2026-03-29T00:30:00,[1.5]", "row 1, column 'i': expected a whole number (long), found a text"),
        (b"1.5,,true,2026-03-29T00:30:00,[1.5]", "row 1, column 'i': expected a whole number (long), found nothing"),
        (b"1.5,1,maybe,2026-03-29,[1.5]", "row 1, column 'b': expected true or false (boolean), found a text"),
        (b"1.5,1,true,yesterday,[1.5]", "row 1, column 't': expected a date and time without a zone (datetime), found"),
        (b"1.5,1,true,2026-03-29T00:30:00,[1.5", "row 1, column 'v': expected Array(double), found a text"),
        (b"1.5,1,true,2026-03-29T00:30:00," + b"[" * 5000, "row 1, column 'v': expected Array(double), found a text"),
        (b"1.5,1,true,2026-03-29T00:30:00,7", "row 1, column 'v': expected Array(double), found a text"),
        (
            b"1.5,1,true,2026-03-29,[1.5]",
            "row 1, column 't': expected a date and time without a zone (datetime), found an",
        ),
        (b"1.5,1,true,2026-03-29T00:30:00,[1.5],7", "row 1: expected 5 cells as in the header, found 6"),
        (b"1.5,1,true,2026-03-29T00:30:00,\xff", "expected UTF-8, found another byte at 78"),
        (b'1.5,1,true,2026-03-29T00:30:00,"[1.5]', "are all quotes closed?"),
    ],
)
def test_a_cell_of_csv_that_is_wrong_is_named_by_row_and_column(body: bytes, said: str, tmp_path: Path) -> None:
    good = b"n,i,b,t,v\n1.5,1,true,2026-03-29T00:30:00,[1.5]\n"
    with served(saved(tmp_path / "model", Described(), TYPED)) as server:
        assert server.post("/invocations", good, b"text/csv")[0] == 200
        status, answer = server.post("/invocations", good + body + b"\n", b"text/csv")
        assert status == 400
        assert said in answer["message"]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"n": pa.array([2**60])}, "column 'n': expected a number (double), found int64"),
        ({"n": [1.5], "i": [3.0]}, "column 'i': expected a whole number (long), found float64"),
    ],
)
def test_a_column_of_parquet_that_mlflow_does_not_convert_is_named(
    column: dict[str, Any], said: str, tmp_path: Path
) -> None:
    schema = Schema([ColSpec(DataType.double, "n"), ColSpec(DataType.long, "i", required=False)])
    with served(saved(tmp_path / "model", Described(), schema)) as server:
        status, answer = server.post("/invocations", parquet(pa.table(column)), PARQUET)
        assert status == 400
        assert said in answer["message"]


def parquet(table: pa.Table) -> bytes:
    buffer = BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def test_a_parquet_body_whose_parts_disagree_is_the_requests_fault(tmp_path: Path) -> None:
    """A column that one part of the file does not know was a KeyError of pyarrow's, and a 500."""
    body = parquet(pa.table({"needle": ["x"] * 3}))
    places = [place for place in range(len(body)) if body.startswith(b"needle", place)]
    with served(saved(tmp_path / "model", Described(), Schema([ColSpec(DataType.string, "needle")]))) as server:
        assert server.post("/invocations", body, PARQUET)[0] == 200
        for place in places:
            spoilt = body[:place] + b"noodle" + body[place + 6 :]
            assert server.post("/invocations", spoilt, PARQUET)[0] in {200, 400}
        assert server.count("podium_consecutive_failures") == 0


def test_a_column_that_is_sent_twice_is_refused_by_every_door(tmp_path: Path) -> None:
    """CSV took the first of them in silence."""
    tensor = {"name": "x", "datatype": "FP64", "shape": [1], "data": [1.5]}
    twice = pa.table([pa.array([1.5]), pa.array([2.5])], names=["x", "x"])
    with served(saved(tmp_path / "model", Described(), X)) as server:
        answers = [
            server.post("/invocations", {"dataframe_split": {"columns": ["x", "x"], "data": [[1.5, 2.5]]}}),
            server.post("/invocations", b"x,x\n1.5,2.5\n", b"text/csv"),
            server.post("/invocations", parquet(twice), PARQUET),
            server.post(f"/v2/models/{server.name}/infer", {"inputs": [tensor, {**tensor, "data": [2.5]}]}),
        ]
    assert [status for status, _ in answers] == [400] * 4
    assert all("given twice: column 'x'" in json.dumps(answer) for _, answer in answers)


class Scaled(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Answers its column times a param."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return (model_input["x"] * (params or {}).get("factor", 1.0)).to_numpy()


def with_params(server: Server, params: Any) -> dict[str, tuple[int, Any]]:
    """The answer of each door that takes params."""
    tensor = {"name": "x", "datatype": "FP64", "shape": [1], "data": [1.5]}
    infer = server.post(f"/v2/models/{server.name}/infer", {"inputs": [tensor], "parameters": params})
    lines = server.post(
        "/api/v1/batch", {"items": [{"x": 1.5}], "params": params}, JSON, (b"accept", b"application/x-ndjson")
    )
    return {
        "invocations": picked(
            server.post("/invocations", {"dataframe_records": [{"x": 1.5}], "params": params}), "predictions"
        ),
        "batch": picked(server.post("/api/v1/batch", {"items": [{"x": 1.5}], "params": params}), "predictions"),
        "lines": (lines[0], [json.loads(lines[1])["prediction"]] if lines[0] == 200 else lines[1]),
        "infer": (infer[0], infer[1]["outputs"][0]["data"] if infer[0] == 200 else infer[1]),
    }


@pytest.fixture
def scaled(tmp_path: Path) -> Path:
    signature = ModelSignature(inputs=X, params=ParamSchema([ParamSpec("factor", DataType.double, 1.0)]))
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=Scaled(), signature=signature, pip_requirements=[])
    return tmp_path / "model"


def test_params_mean_the_same_by_every_door(scaled: Path) -> None:
    """/api/v1/batch did not read them."""
    with served(scaled) as server:
        for params, answer in (({"factor": 3.0}, [4.5]), ({}, [1.5])):
            answers = with_params(server, params)
            assert answers == dict.fromkeys(answers, (200, answer))


@pytest.mark.parametrize(
    ("params", "said"),
    [({"fcator": 3.0}, "expected 'factor', found 'fcator'"), ({"factor": "much"}, ""), ([3.0], "expected an object")],
)
def test_params_that_the_model_does_not_take_are_refused_by_every_door(params: Any, said: str, scaled: Path) -> None:
    """A misspelt one was dropped in silence."""
    with served(scaled) as server:
        for door, (status, answer) in with_params(server, params).items():
            assert status == 400, (door, answer)
            assert said in json.dumps(answer)


def test_params_are_refused_by_a_model_that_takes_none_unless_a_setting_allows_them(tmp_path: Path) -> None:
    path = saved(tmp_path / "model", Described(), X)
    with served(path) as server:
        assert {status for status, _ in with_params(server, {"factor": 3.0}).values()} == {400}
    with served(path, EXTRA_COLUMNS="ignore") as server:
        assert {status for status, _ in with_params(server, {"factor": 3.0}).values()} == {200}


def test_what_clients_of_other_servers_send_along_is_no_param(scaled: Path) -> None:
    with served(scaled) as server:
        tensor = {"name": "x", "datatype": "FP64", "shape": [1], "data": [1.5], "parameters": {"content_type": "np"}}
        body = {"inputs": [tensor], "parameters": {"content_type": "pd", "sequence_id": 7, "priority": 1, "factor": 3}}
        status, answer = server.post(f"/v2/models/{server.name}/infer", body)
        assert (status, answer["outputs"][0]["data"]) == (200, [4.5])


def test_bytes_are_answered_to_their_last_zero(tmp_path: Path) -> None:
    with served(saved(tmp_path / "model", Answering([b"\xff\x00", b"a"]), None)) as server:
        tensor = {"name": "x", "datatype": "FP64", "shape": [2], "data": [1.0, 2.0]}
        _, infer = server.post(f"/v2/models/{server.name}/infer", {"inputs": [tensor]})
        _, plain = server.post("/invocations", {"inputs": [1.0, 2.0]})
        answered = infer["outputs"][0]["data"], plain["predictions"]
        assert [[base64.b64decode(text) for text in texts] for texts in answered] == [[b"\xff\x00", b"a"]] * 2


def test_an_output_is_asked_for_by_the_name_that_the_metadata_gives_it(tmp_path: Path) -> None:
    signature = ModelSignature(inputs=Schema([ColSpec(DataType.double)]), outputs=Schema([ColSpec(DataType.double)]))
    mlflow.pyfunc.save_model(
        tmp_path / "model", python_model=Answering([0.5]), signature=signature, pip_requirements=[]
    )
    with served(tmp_path / "model") as server:
        _, told = server.get(f"/v2/models/{server.name}")
        name = told["outputs"][0]["name"]
        tensor = {"name": told["inputs"][0]["name"], "datatype": "FP64", "shape": [1], "data": [1.0]}
        status, answer = server.post(
            f"/v2/models/{server.name}/infer", {"inputs": [tensor], "outputs": [{"name": name}]}
        )
        assert status == 200, answer
        assert [output["name"] for output in answer["outputs"]] == [name]
