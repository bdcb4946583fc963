"""The binary tensor data extension: raw bytes mean what the same tensor means in JSON."""

import json
import struct
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from mlflow.types import ColSpec, DataType, Schema

from tests.contract.test_runtime.asked import Server, served
from tests.contract.test_runtime.conftest import Process
from tests.contract.test_runtime.test_doors import Answering, Described, saved

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and gevent warn of themselves

LENGTH = b"inference-header-content-length"


def sent(server: Server, parsed: dict[str, Any], *blobs: bytes, length: int | None = None) -> tuple[int, Any]:
    head = json.dumps(parsed).encode()
    size = b"%d" % (len(head) if length is None else length)
    path = f"/v2/models/{server.name}/infer"
    return server.post(path, b"".join((head, *blobs)), b"application/octet-stream", (LENGTH, size))


def tensor(name: str, datatype: str, blob: bytes, *shape: int) -> dict[str, Any]:
    parameters = {"binary_data_size": len(blob)}
    return {"name": name, "datatype": datatype, "shape": list(shape), "parameters": parameters}


def texts(*elements: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(each)) + each for each in elements)


NUMBERS: dict[str, list[Any]] = {
    "BOOL": [True, False],
    "INT8": [-128, 127],
    "UINT8": [0, 255],
    "INT16": [-2, 300],
    "UINT16": [0, 65535],
    "INT32": [-4, 5],
    "UINT32": [0, 2**32 - 1],
    "INT64": [-(2**53) - 1, 7],
    "UINT64": [0, 2**64 - 1],
    "FP16": [0.5, -2.0],
    "FP32": [0.5, 1e10],
    "FP64": [0.1, 1e300],
}


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with served(saved(tmp_path_factory.mktemp("model") / "model", Described(), None)) as server:
        yield server


@pytest.mark.parametrize("datatype", NUMBERS)
def test_bytes_mean_what_the_same_tensor_means_in_json(datatype: str, unsigned: Server) -> None:
    cells = NUMBERS[datatype]
    dtype = {"BOOL": "?"}.get(datatype, datatype.lower().replace("fp", "float"))
    blob = np.array(cells, dtype=dtype).tobytes()
    in_json = {"inputs": [{"name": "x", "datatype": datatype, "shape": [2], "data": cells}]}
    expected = unsigned.post(f"/v2/models/{unsigned.name}/infer", in_json)
    assert expected[0] == 200, expected
    assert sent(unsigned, {"inputs": [tensor("x", datatype, blob, 2)]}, blob) == expected


ROUNDED: dict[str, list[Any]] = {"FP16": [0.1, 2], "FP32": [0.1, 2**24 + 1, 3e38], "FP64": [2, 2**53 + 1]}


@pytest.fixture(scope="module", params=[DataType.double, DataType.string], ids=str)
def of_one_column(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = saved(tmp_path_factory.mktemp("model") / "model", Described(), Schema([ColSpec(request.param, "x")]))
    with served(path) as server:
        yield server


@pytest.mark.parametrize("datatype", ROUNDED)
def test_a_tensor_is_held_to_its_own_datatype_before_its_columns(datatype: str, of_one_column: Server) -> None:
    """FP32 0.1 reached a column of doubles as 0.1 by JSON, and as 0.10000000149011612 by every other form."""
    cells = ROUNDED[datatype]
    size, blob = len(cells), np.array(cells, dtype=f"<f{int(datatype[2:]) // 8}").tobytes()
    in_json = {"inputs": [{"name": "x", "datatype": datatype, "shape": [size], "data": cells}]}
    status, expected = sent(of_one_column, {"inputs": [tensor("x", datatype, blob, size)]}, blob)
    assert status == 200, expected
    assert of_one_column.post(f"/v2/models/{of_one_column.name}/infer", in_json) == (200, expected)


def test_null_in_a_tensor_of_floats_stays_null(of_one_column: Server) -> None:
    in_json = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [2], "data": [0.5, None]}]}
    status, infer = of_one_column.post(f"/v2/models/{of_one_column.name}/infer", in_json)
    assert status == 200, infer
    _, plain = of_one_column.post("/invocations", {"dataframe_records": [{"x": 0.5}, {"x": None}]})
    assert infer["outputs"][0]["data"] == plain["predictions"]


def test_json_and_bytes_are_mixed_and_texts_are_texts(tmp_path: Path) -> None:
    columns = [ColSpec(DataType.string, "s"), ColSpec(DataType.double, "n"), ColSpec(DataType.binary, "b")]
    with served(saved(tmp_path / "model", Described(), Schema(columns))) as server:
        s, b = texts("é".encode(), b""), texts(b"aGk=", b"")
        in_json = {"name": "n", "datatype": "FP64", "shape": [2], "data": [1.5, 2.5]}
        mixed = {"inputs": [tensor("s", "BYTES", s, 2), in_json, tensor("b", "BYTES", b, 2)]}
        status, answer = sent(server, mixed, s, b)
        records = [{"s": "é", "n": 1.5, "b": "aGk="}, {"s": "", "n": 2.5, "b": ""}]
        _, expected = server.post("/invocations", {"dataframe_records": records})
    assert status == 200, answer
    assert answer["outputs"][0]["data"] == expected["predictions"]


BLOB = np.array([1.0, 2.0]).tobytes()
WRONG: dict[str, tuple[list[dict[str, Any]], bytes, str]] = {
    "too few bytes": ([tensor("x", "FP64", BLOB, 3)], BLOB, "needs 24 bytes, found 16"),
    "bytes that are not there": ([tensor("x", "FP64", BLOB, 2)], BLOB[:8], "at most 8 bytes"),
    "bytes left over": ([tensor("x", "FP64", BLOB, 2)], BLOB + b"more", "4 bytes behind the last tensor"),
    "a shape of many values": ([tensor("x", "INT8", BLOB, 2**31, 2**31)], BLOB, "shape: expected at most"),
    "both data and bytes": ([{**tensor("x", "FP64", BLOB, 2), "data": [1, 2]}], BLOB, "found both"),
    "a size that is no number": (
        [{**tensor("x", "FP64", BLOB, 2), "parameters": {"binary_data_size": "16"}}],
        BLOB,
        "binary_data_size",
    ),
    "a negative size": (
        [{**tensor("x", "FP64", BLOB, 2), "parameters": {"binary_data_size": -1}}],
        BLOB,
        "binary_data_size",
    ),
    "a text that ends beyond the bytes": ([tensor("x", "BYTES", b"\xff\0\0\0abc", 1)], b"\xff\0\0\0abc", "ends beyond"),
    "a text of other bytes": ([tensor("x", "BYTES", texts(b"\xff"), 1)], texts(b"\xff"), "expected UTF-8"),
    "too many texts": ([tensor("x", "BYTES", texts(b"", b""), 1)], texts(b"", b""), "found 2"),
    "a boolean of two": ([tensor("x", "BOOL", b"\2", 1)], b"\2", "expected BOOL"),
}


@pytest.mark.parametrize("name", WRONG)
def test_bytes_that_are_not_what_they_say_are_refused(name: str, unsigned: Server) -> None:
    inputs, blob, says = WRONG[name]
    status, answer = sent(unsigned, {"inputs": inputs}, blob)
    assert status == 400
    assert says in answer["error"]


@pytest.mark.parametrize("length", [10_000_000, -1])
def test_a_length_beyond_the_body_is_refused(length: int, unsigned: Server) -> None:
    status, answer = sent(unsigned, {"inputs": []}, length=length)
    assert status == 400
    assert "Inference-Header-Content-Length" in answer["error"]


def test_outputs_come_as_bytes_where_they_are_asked_for(tmp_path: Path) -> None:
    answer = {"y": np.array([0.5, 2.0]), "label": ["é", ""]}
    with served(saved(tmp_path / "model", Answering(answer), Schema([ColSpec(DataType.double, "x")]))) as server:
        body = {
            "inputs": [{"name": "x", "datatype": "FP64", "shape": [2], "data": [1.0, 2.0]}],
            "outputs": [{"name": "y", "parameters": {"binary_data": True}}, {"name": "label"}],
        }
        status, found = server.post(f"/v2/models/{server.name}/infer", body)
    assert status == 200
    head, blob = found[:-16], found[-16:]
    first, second = json.loads(head)["outputs"]
    assert (first["parameters"], second["data"]) == ({"binary_data_size": 16}, ["é", ""])
    assert "data" not in first
    assert np.frombuffer(blob, "<f8").tolist() == [0.5, 2.0]


def test_the_extension_is_named(client: httpx.Client) -> None:
    assert client.get("/v2").json()["extensions"] == ["binary_tensor_data"]


@pytest.mark.parametrize("binary", [True, False])
def test_tritonclient_is_served_with_its_defaults(binary: bool, churn: Process) -> None:
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415  heavy, and only some tests want it
    from tritonclient import http as triton  # noqa: PLC0415  likewise

    features = load_breast_cancer(as_frame=True).data.head(3)
    client = triton.InferenceServerClient(churn.url.removeprefix("http://"))
    assert client.is_model_ready("churn", "1")
    inputs = []
    for name, column in features.items():
        inputs.append(triton.InferInput(str(name), [3], "FP64"))
        inputs[-1].set_data_from_numpy(column.to_numpy(), binary_data=binary)
    found = client.infer("churn", inputs).as_numpy("output-0")
    split = {"columns": list(features.columns), "data": features.to_numpy().tolist()}
    expected = httpx.post(f"{churn.url}/invocations", json={"dataframe_split": split}).json()["predictions"]
    assert found.tolist() == expected
    client.close()
