"""A body that begins as an earlier one did means what it would mean if it were read whole."""

import json
from itertools import product
from typing import Any

import pytest

from podium.runtime.faults import RequestFault
from podium.runtime.protocols import heads
from podium.runtime.protocols.bodies import parse_json
from podium.runtime.protocols.heads import KNOWN, Heads

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


def body(names: list[str], row: list[Any]) -> bytes:
    return json.dumps({"dataframe_split": {"columns": names, "data": [row]}}).encode()


def test_a_body_that_begins_as_another_did_is_read_from_its_rows_on(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = Heads()
    remembered.parse_json(body(["a", "b"], [1, 2]))
    monkeypatch.setattr(heads, "parse_json", lambda _: pytest.fail("it was read whole"))
    assert remembered.parse_json(body(["a", "b"], [3, "x"])) == json.loads(body(["a", "b"], [3, "x"]))


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
