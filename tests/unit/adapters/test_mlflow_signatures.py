"""Signatures as MLmodel files hold them; and files that hold something else."""

import json

import numpy as np
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import Array, Object, Property
from yaml import safe_dump

from podium.adapters.registries.mlmodel import MOST_COLUMNS, parse
from podium.core.signature import Column, Signature


def file(signature: object) -> str:
    return safe_dump({"flavors": {}, "signature": signature})


def test_columns_and_params_are_read() -> None:
    made = ModelSignature(
        inputs=Schema([ColSpec("double", "age"), ColSpec("string", "city", required=False)]),
        outputs=Schema([ColSpec("long")]),
        params=ParamSchema(
            [ParamSpec("top", DataType.long, [1], shape=(-1,)), ParamSpec("limit", DataType.float, 0.5)]
        ),
    )
    assert parse(file(made.to_dict())) == Signature(
        inputs=(Column("age", "double"), Column("city", "string", required=False)),
        outputs=(Column("", "long"),),
        params=(Column("top", "long", shape=(-1,)), Column("limit", "float")),
    )


def test_tensors_are_read() -> None:
    made = ModelSignature(inputs=Schema([TensorSpec(np.dtype("float32"), (-1, 28, 28), "image")]))
    assert parse(file(made.to_dict())) == Signature(inputs=(Column("image", "float32", shape=(-1, 28, 28)),))


def test_what_is_made_of_others_differs_when_they_do() -> None:
    def of(kind: DataType) -> Signature | None:
        columns = [ColSpec(Array(kind), "a"), ColSpec(Object([Property("x", kind)]), "o")]
        return parse(file(ModelSignature(inputs=Schema(columns)).to_dict()))

    longs, texts = of(DataType.long), of(DataType.string)
    assert longs is not None
    assert texts is not None
    assert longs.inputs is not None
    assert texts.inputs is not None
    assert all(one.type != other.type for one, other in zip(longs.inputs, texts.inputs, strict=True))
    assert longs.inputs[0].type == 'array {"items": {"type": "long"}}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "flavors: {}\n",
        "- a\n",
        "a: [\n",
        "!!python/object/apply:os.system ['true']\n",
        file(None),
        file("text"),
        file({"inputs": None, "outputs": None, "params": None}),
        file({"inputs": "no json"}),
        file({"inputs": "7"}),
        file({"inputs": '{"a": 1}'}),
        file({"inputs": "[7]"}),
        file({"inputs": "[{}]"}),
        file({"inputs": '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": ["a"]}}]'}),
        file({"inputs": "[" * 50_000}),
        file({"inputs": json.dumps([{"type": "long"}] * (MOST_COLUMNS + 1))}),
        "[" * 5_000,
    ],
    ids=range(17),
)
def test_what_is_no_signature_is_none(text: str) -> None:
    assert parse(text) is None


def test_names_and_types_are_bounded() -> None:
    found = parse(file({"inputs": json.dumps([{"type": "x" * 9999, "name": "y" * 9999}])}))
    assert found == Signature(inputs=(Column("y" * 250, "x" * 250),))


def test_a_column_named_0_has_a_name() -> None:
    """It was known by its place, so that columns 2, 0, 1 lacked one of columns 0, 1, 2."""
    columns = json.dumps([{"type": "double", "name": 0}, {"type": "double", "name": 1}, {"type": "double"}])
    read = parse(file({"inputs": columns}))
    assert read is not None
    assert read.inputs is not None
    assert [column.name for column in read.inputs] == ["0", "1", ""]
