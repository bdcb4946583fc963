"""A body that begins as an earlier one did means what it would mean if it were read whole."""

import json
from itertools import product
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mlflow.types import ColSpec, DataType, Schema

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.model import Model
from podium.runtime.prediction.plan import compile_plan
from podium.runtime.protocols import heads
from podium.runtime.protocols.bodies import parse_json
from podium.runtime.protocols.heads import KNOWN, Heads
from podium.runtime.protocols.payloads import planned

TRAPS = [
    '{"dataframe_split":{"columns":["a","b"],"data":[[1,2]]}}',
    '{"dataframe_split":{"columns":["a","b"],"data":[[1,2]],"data":[[5,6]]}}',
    '{"dataframe_split":{"columns":["b","a"],"data":[[1,2]],"columns":["a","b"],"data":[[3,4]]}}',
    '{"dataframe_split":{"data":[[1,2]],"columns":["a","b"]}}',
    '{"dataframe_split":{"columns":["a","b"],"index":[0],"data":[[1,2]]}}',
    '{"dataframe_split":{"columns":["a","b"],"data":[[1,2]]},"params":{"x":1}}',
    '{"dataframe_split":{"columns":[],"data":[]},"dataframe_split":{"columns":["a"],"data":[[1]]}}',
    '{"inputs":{"columns":["a","b"],"data":[[1,2]]}}',
    '{"dataframe_split":{"columns":["a",{"data":[[1]]}],"data":[[1,2]]}}',
    '{"dataframe_split":{"columns":["a","\\"data\\":[["],"data":[[1,2]]}}',
    '{"dataframe_split":{"columns":["\\"data\\":"],"data":[["\\"}}"]]}}',
    '{"dataframe_split":{"columns":["x"],"x\\"data":[[1]],"data":[[2]]}}',
    '{"dataframe_split":{"columns":["x"],"data":{"data":[[1]]}}}',
    '{"dataframe_split":{"columns":["\u00fc"],"data":[["}}"]]}}',
    '{"dataframe_split":{"columns":["a","b"],"data":[[1,NaN]]}}',
    '{"dataframe_split":{"columns":["a","b"],"data":[[1,2]]}} ',
    '{"dataframe_split":{"columns":["a","b"],"data":}}',
    '{"dataframe_split":{"columns":["a","b"],"data":[[1,2]}}',
    '{"dataframe_split":{"columns":["a","b"],"data":[[1,2]]},"a":{}}',
    '{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}',
]


def read(parse: Any, body: bytes) -> Any:
    """What a body means, as text, in which NaN equals itself."""
    try:
        return json.dumps(parse(body))
    except RequestFault as fault:
        return fault.message


@pytest.mark.parametrize(("first", "second"), list(product(TRAPS, TRAPS)))
def test_a_body_means_the_same_whatever_came_before_it(first: str, second: str) -> None:
    remembered = Heads()
    read(remembered.parse_json, first.encode())
    assert read(remembered.parse_json, second.encode()) == read(parse_json, second.encode())


@pytest.mark.parametrize("rows", ["[[3,4]]", "null", "[]", '[["}}",{"data":1}]]', "[[1,2]],[[3]]", "1}}", '"a":{', ""])
@pytest.mark.parametrize("first", TRAPS)
def test_so_it_does_with_anything_in_the_place_of_its_rows(first: str, rows: str) -> None:
    remembered = Heads()
    read(remembered.parse_json, first.encode())
    for trap in TRAPS:
        for key in ('"data":', '"data": '):
            before, found, _ = trap.partition(key)
            body = f"{before}{found}{rows}}}}}".encode()
            assert read(remembered.parse_json, body) == read(parse_json, body)


@pytest.mark.parametrize(("first", "second"), list(product(TRAPS, TRAPS)))
@pytest.mark.parametrize("planned_names", [("a", "b"), ("b", "a")])
def test_its_rows_are_those_of_the_body_read_whole(first: str, second: str, planned_names: tuple[str, ...]) -> None:
    """By a model whose columns are in this order, or in another one, or which are not the body's at all."""
    columns = Schema([ColSpec(DataType.double, name) for name in planned_names])
    model = cast("Model", SimpleNamespace(plan=compile_plan(columns)))
    remembered = Heads()
    read(lambda body: remembered.rows(body, model), first.encode())
    found = read(lambda body: remembered.rows(body, model), second.encode())
    assert found == read(lambda body: planned(parse_json(body), model), second.encode())


@pytest.mark.parametrize(
    "rows", ["null", "1", "{}", "[]", "[[]]", "[[1]]", '[[1,"2"]]', "[[1,true]]", "[1,2]", "[[1,2],[3,4]]"]
)
def test_what_stands_in_the_place_of_the_rows_is_held_to_the_signature(rows: str) -> None:
    model = cast("Model", SimpleNamespace(plan=compile_plan(Schema([ColSpec(DataType.double, name) for name in "ab"]))))
    remembered = Heads()
    assert remembered.rows(TRAPS[0].encode(), model) == [[1, 2]]
    sent = f'{{"dataframe_split":{{"columns":["a","b"],"data":{rows}}}}}'.encode()
    assert remembered.rows(sent, model) == planned(parse_json(sent), model)


def test_without_a_plan_a_body_has_no_rows_and_is_still_held_to_json() -> None:
    model = cast("Model", SimpleNamespace(plan=None))
    remembered = Heads()
    assert [remembered.rows(TRAPS[0].encode(), model) for _ in range(2)] == [None, None]
    with pytest.raises(RequestFault):
        remembered.rows(b'{"dataframe_split":{"columns":["a","b"],"data":[[1,}}', model)


def body(names: list[str], row: list[Any]) -> bytes:
    return json.dumps({"dataframe_split": {"columns": names, "data": [row]}}).encode()


def test_a_body_that_begins_as_another_did_is_read_from_its_rows_on(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = Heads()
    remembered.parse_json(body(["a", "b"], [1, 2]))
    monkeypatch.setattr(heads, "parse_json", lambda _: pytest.fail("it was read whole"))
    assert remembered.parse_json(body(["a", "b"], [3, "x"])) == json.loads(body(["a", "b"], [3, "x"]))
    model = cast("Model", SimpleNamespace(plan=compile_plan(Schema([ColSpec(DataType.double, name) for name in "ab"]))))
    assert remembered.rows(body(["a", "b"], [3, 4]), model) == [[3, 4]]


def test_many_clients_with_heads_of_their_own_take_no_memory() -> None:
    remembered = Heads()
    for number in range(3 * KNOWN):
        sent = body([f"column {number}"], [number])
        assert remembered.parse_json(sent) == parse_json(sent)
    assert len(remembered._known) == KNOWN


def test_a_very_long_head_is_not_kept() -> None:
    remembered = Heads()
    sent = body(["x" * heads.LONGEST], [1])
    assert remembered.parse_json(sent) == parse_json(sent)
    assert remembered._known == []
