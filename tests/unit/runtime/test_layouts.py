"""A call with the same bytes as an earlier one, but for its numbers, means what it would mean if it were parsed."""

import math
import random
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from mlflow.types import ColSpec, DataType, Schema

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.plan import compile_plan
from podium.runtime.prediction.scoring import Ask, Scorer
from podium.runtime.protocols import calls
from podium.runtime.protocols.calls import reader
from podium.runtime.protocols.layouts import KNOWN
from podium.runtime.protocols.messages import ModelInferRequest

NAMES = ("a", "b", "c")


def scorer(kind: DataType = DataType.double) -> Scorer:
    inputs = Schema([ColSpec(kind, name) for name in NAMES])
    fields = {"inputs": inputs, "outputs": None, "row_wise": True, "by_output": False}
    return Scorer(cast("Any", SimpleNamespace(**fields, plan=compile_plan(inputs))))


def call(rows: list[list[float]], names: tuple[str, ...] = NAMES, datatype: str = "FP64", **fields: Any) -> bytes:
    request = ModelInferRequest(model_name="churn", **fields)
    for place, name in enumerate(names):
        tensor = request.inputs.add(name=name, datatype=datatype, shape=[len(rows)])
        contents = {"FP64": "fp64_contents", "FP32": "fp32_contents", "INT64": "int64_contents"}[datatype]
        getattr(tensor.contents, contents).extend([row[place] for row in rows])
    message: bytes = request.SerializeToString()
    return message


def meaning(ask: Ask) -> str:
    """The rows of a call as text, in which NaN equals itself; what else it asks for is in its answer."""
    assert ask.rows is not None
    assert ask.write is not None
    answer = ask.write(np.array([0.5] * len(ask.rows)))
    return repr(([tuple(row) for row in ask.rows], answer))


def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Which calls are parsed from here on."""
    found: list[bytes] = []

    class Recorded:
        @staticmethod
        def FromString(body: bytes) -> Any:  # noqa: N802  protobuf's
            found.append(body)
            return ModelInferRequest.FromString(body)

    monkeypatch.setattr(calls, "ModelInferRequest", Recorded)
    return found


@pytest.mark.parametrize("names", [NAMES, ("c", "a", "b")])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_call_of_a_known_layout_means_the_same(
    names: tuple[str, ...], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(7)
    special = [0.0, -0.0, math.nan, math.inf, 5e-324, 1.7976931348623157e308, 2**53]
    asked, model = reader("churn", "1"), scorer()
    asked(call([[0.0] * 3] * count, names), "", model)
    whole = parsed(monkeypatch)
    for _ in range(50):
        body = call([[chance.choice([*special, chance.gauss(0, 1)]) for _ in names] for _ in range(count)], names)
        known = asked(body, "", model)
        assert whole == []
        assert meaning(known) == meaning(reader("churn", "1")(body, "", model))
        whole.clear()


@pytest.mark.parametrize(
    "other",
    [
        call([[1.0, 2.0, 3.0]], id="another"),
        call([[1.0, 2.0, 3.0]], ("c", "b", "a")),
        call([[1.0, 2.0, 3.0]] * 2),
        call([[1.0, 2.0, 3.0]]).replace(b"churn", b"churm"),
        call([[1.0, 2.0, 3.0]], id="y"),
    ],
)
def test_a_call_with_any_other_byte_is_parsed(other: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, model = reader("churn", "1"), scorer()
    asked(call([[0.0, 0.0, 0.0]]), "", model)
    asked(call([[0.0, 0.0, 0.0]], id="x"), "", model)
    whole = parsed(monkeypatch)
    assert meaning(asked(other, "", model)) == meaning(reader("churn", "1")(other, "", model))
    assert other in whole


def test_every_changed_byte_that_is_no_numbers_leads_to_a_parse() -> None:
    asked, model, body = reader("churn", "1"), scorer(), call([[1.0, 2.0, 3.0]])
    asked(body, "", model)
    for place in range(len(body)):
        changed = body[:place] + bytes((body[place] ^ 1,)) + body[place + 1 :]
        outcomes = []
        for read in (asked, reader("churn", "1")):
            try:
                found = read(changed, "", model)
                outcomes.append(meaning(found) if found.rows is not None else "by MLflow")
            except RequestFault as fault:
                outcomes.append(fault.message)
        assert outcomes[0] == outcomes[1], place


@pytest.mark.parametrize(("kind", "datatype"), [(DataType.long, "INT64"), (DataType.float, "FP32")])
def test_other_datatypes_are_parsed_each_time(kind: DataType, datatype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, model, body = reader("churn", "1"), scorer(kind), call([[1, 2, 3]], datatype=datatype)
    asked(body, "", model)
    whole = parsed(monkeypatch)
    assert asked(body, "", model).rows == [(1, 2, 3)]
    assert whole == [body]


def test_many_ids_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, model = reader("churn", "1"), scorer()
    bodies = [call([[1.0, 2.0, 3.0]], id=f"call {number}") for number in range(3 * KNOWN)]
    for body in bodies:
        asked(body, "", model)
    whole = parsed(monkeypatch)
    for body in bodies:
        asked(body, "", model)
    assert whole == bodies[KNOWN:]
