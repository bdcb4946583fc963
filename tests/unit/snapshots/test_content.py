"""The files of a snapshot and its name: pure, so that they are tried without MLflow."""

import hashlib
import json
import math
from typing import Any

import pytest

from podium.core.digest import digest_of
from podium.errors import Rejected
from podium.snapshots.content import content_of
from podium.snapshots.snapshot import model_id_of, snapshot_name

CONFIGURATION = {"model": "x", "tables": [{"name": "orders", "columns": 3}]}


def test_a_name_has_kind_domain_iteration_and_the_hash_of_the_configurations_file() -> None:
    content = content_of(CONFIGURATION)
    written = content.files["model_state/configuration.json"]
    expected = hashlib.sha256(written).hexdigest()
    assert snapshot_name("agent", "sales", 3, content.configuration_sha256) == f"agent-sales-iter3-{expected[:12]}"
    assert json.loads(written) == CONFIGURATION


def test_the_same_configuration_has_the_same_bytes_in_whatever_order_it_was_written() -> None:
    turned = dict(reversed(CONFIGURATION.items()))
    assert content_of(turned).configuration_sha256 == content_of(CONFIGURATION).configuration_sha256


def test_the_digest_is_that_of_the_files_that_are_applied() -> None:
    content = content_of(CONFIGURATION, metadata={"columns": ["a"]}, patches=[{"op": "add"}], summary="more")
    state = {
        path.removeprefix("model_state/"): hashlib.sha256(written).hexdigest()
        for path, written in content.files.items()
        if path.startswith("model_state/")
    }
    assert set(state) == {"configuration.json", "columns.json", "parent_diff.json"}
    assert content.digest == digest_of(state)
    assert json.loads(content.files["patches/summary.json"]) == {"patches": 1, "text": "more"}


def test_the_difference_to_the_parent_is_among_the_files() -> None:
    content = content_of({**CONFIGURATION, "model": "y"}, parent=CONFIGURATION)
    assert json.loads(content.files["model_state/parent_diff.json"]) == [
        {"path": "configuration.model", "kind": "changed", "before": "x", "after": "y"}
    ]
    assert json.loads(content_of(CONFIGURATION).files["model_state/parent_diff.json"]) == []


@pytest.mark.parametrize("empty", [{}, {"model": ""}, {"tables": [], "text": None}, None, [], "", "text", [1]])
def test_an_empty_configuration_is_refused(empty: Any) -> None:
    with pytest.raises(Rejected, match=r"^configuration is"):
        content_of(empty)


@pytest.mark.parametrize("value", [0, False])
def test_nought_is_a_value(value: Any) -> None:
    assert content_of({"temperature": value}).files


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [1, math.nan]}, r"configuration\.a\[1\] is nan"),
        ({"a": {"b": {1, 2}}}, r"configuration\.a\.b is a set"),
        ({"a": {1: 2}}, r"configuration\.a has the key 1"),
    ],
)
def test_what_is_no_json_is_refused_with_its_path(value: Any, path: str) -> None:
    with pytest.raises(Rejected, match=path):
        content_of(value)


@pytest.mark.parametrize("value", [{"a": "\ud800"}, {"\udfff": 1}, {"a": ["\ud83d"]}], ids=["value", "key", "within"])
def test_half_of_a_surrogate_pair_is_refused(value: Any) -> None:
    """JSON can say it, and no file in UTF-8 can keep it."""
    with pytest.raises(Rejected, match="UTF-8"):
        content_of(value)


@pytest.mark.parametrize("patches", ["abc", {"op": "add"}, None, 5])
def test_patches_that_are_no_list_are_refused(patches: Any) -> None:
    """A text would be kept as its letters, an object as its keys."""
    with pytest.raises(Rejected, match=r"patches is a .*; required: a list"):
        content_of(CONFIGURATION, patches=patches)


@pytest.mark.parametrize("summary", [None, 5, ["a"]])
def test_a_summary_is_a_text(summary: Any) -> None:
    with pytest.raises(Rejected, match=r"summary is a .*; required: a text"):
        content_of(CONFIGURATION, summary=summary)


def test_a_part_of_the_metadata_has_a_name_that_a_file_can_have() -> None:
    with pytest.raises(Rejected, match="at most 63 characters"):
        content_of(CONFIGURATION, metadata={"a" * 300: 1})


def test_what_is_nested_too_deeply_is_refused() -> None:
    value: dict[str, Any] = {"a": 1}
    for _ in range(200):
        value = {"a": value}
    with pytest.raises(Rejected, match="nested too deeply"):
        content_of(value)


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(Rejected, match="allowed: at most"):
        content_of({"text": "x" * (16 * 1024 * 1024)})


@pytest.mark.parametrize("part", ["configuration", "parent_diff", "../columns", "Columns", ""])
def test_a_part_of_the_metadata_cannot_take_the_place_of_another_file(part: str) -> None:
    with pytest.raises(Rejected, match="metadata has a part"):
        content_of(CONFIGURATION, metadata={part: 1})


@pytest.mark.parametrize("word", ["", "Agent", "a.b", "a/b", "-a", "x" * 64, None, "a b"])
def test_what_mlflow_refuses_in_a_name_is_refused_first(word: Any) -> None:
    with pytest.raises(Rejected, match=r"^kind is"):
        snapshot_name(word, "sales", 1, "0" * 64)
    with pytest.raises(Rejected, match=r"^domain is"):
        snapshot_name("agent", word, 1, "0" * 64)


@pytest.mark.parametrize("number", [-1, True, 1.0, "1", None, 10**10])
def test_an_iteration_is_a_whole_number(number: Any) -> None:
    with pytest.raises(Rejected, match=r"^iteration is"):
        snapshot_name("agent", "sales", number, "0" * 64)


@pytest.mark.parametrize("value", ["", "  ", None, "churn", "m-", "m-../x", "models:/m-1"])
def test_what_is_no_model_id_is_refused(value: Any) -> None:
    with pytest.raises(Rejected, match="required: the id of a LoggedModel"):
        model_id_of(value, "the model id")
