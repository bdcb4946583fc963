import pytest

from podium.adapters.kubernetes.render import format_weights
from podium.adapters.routers.service.endpoints import ready_pods
from podium.adapters.routers.service.replicas import in_force, parse_weights
from podium.api.v1alpha1.evidence import Slot
from podium.core.facts import PodState, SlotState


def slot(*pods: tuple[str, bool]) -> SlotState:
    return SlotState(pods=tuple(PodState(uid=uid, name=uid, version="1", ready=ready) for uid, ready in pods))


SLOTS: dict[Slot, SlotState] = {"a": slot(("a1", True), ("a2", True), ("a3", False)), "b": slot(("b1", True))}


@pytest.mark.parametrize("weights", [{"a": 100, "b": 0}, {"a": 95, "b": 5}, {"b": 100}])
def test_weights_are_read_as_they_were_written(weights: dict[Slot, int]) -> None:
    assert parse_weights(format_weights(weights)) == weights


@pytest.mark.parametrize(
    "text", ["", "a=95", "a=95,b=6", "a=95,c=5", "a=95,b=five", "a=105,b=-5", "a=²", "=", ",,,", "a=100,"]
)
def test_an_annotation_that_podium_did_not_write_is_no_weights(text: str) -> None:
    assert parse_weights(text) == {}


def test_the_share_in_force_is_the_share_of_endpoints() -> None:
    assert in_force(frozenset({"a1", "a2", "b1", "gone"}), SLOTS) == pytest.approx({"a": 200 / 3, "b": 100 / 3})
    assert in_force(frozenset({"b1"}), SLOTS) == {"a": 0.0, "b": 100.0}
    assert in_force(frozenset(), SLOTS) == {}


def test_the_pods_that_should_get_traffic_are_the_ready_ones_with_a_share() -> None:
    assert ready_pods({"a": 95, "b": 5}, SLOTS) == {"a1", "a2", "b1"}
    assert ready_pods({"a": 100, "b": 0}, SLOTS) == {"a1", "a2"}
