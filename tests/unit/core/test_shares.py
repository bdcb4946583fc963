"""How many pods a share of the traffic needs."""

import pytest

from podium.core.traffic.shares import coarse_share, pods_for, share_in_force, share_pods, weight_text
from tests.stories.simulator import spec_of


@pytest.mark.parametrize(("weight", "champion", "pods"), [(5, 2, 1), (25, 3, 1), (25, 4, 1), (50, 4, 4), (40, 4, 3)])
def test_where_pods_make_the_share_there_are_as_many_as_come_nearest_to_it(
    weight: int, champion: int, pods: int
) -> None:
    assert pods_for(weight, champion) == pods
    assert share_pods(weight, spec_of("1", serving={"replicas": champion})) == pods


@pytest.mark.parametrize(("weight", "replicas", "pods"), [(1, 4, 1), (25, 4, 1), (26, 4, 2), (50, 3, 2), (100, 3, 3)])
def test_where_shares_are_exact_there_are_as_many_as_carry_it(weight: int, replicas: int, pods: int) -> None:
    spec = spec_of("1", serving={"replicas": replicas}, traffic={"gateway": {"name": "public"}})
    assert share_pods(weight, spec) == pods


@pytest.mark.parametrize(("exact", "share"), [(False, 0.2), (True, 0.05)])
def test_a_share_in_force_is_made_of_pods_unless_a_gateway_gives_it(exact: bool, share: float) -> None:
    traffic = {"traffic": {"gateway": {"name": "public"}}} if exact else {}
    spec = spec_of("2", serving={"replicas": 4}, **traffic)
    assert share_in_force(5, spec) == pytest.approx(share)


def test_a_share_that_differs_from_its_weight_is_told_with_its_pods() -> None:
    assert coarse_share(5, spec_of(serving={"replicas": 1})) == "50 % in force: 1 of 2 pods"
    assert coarse_share(5, spec_of(serving={"replicas": 19})) == ""
    assert coarse_share(5, spec_of(serving={"replicas": 1}, traffic={"gateway": {"name": "public"}})) == ""


def test_the_message_of_a_step_names_both_its_weight_and_the_share_of_the_users() -> None:
    assert weight_text(5, spec_of(serving={"replicas": 1})) == "5 % (50 % in force: 1 of 2 pods)"
    assert weight_text(50, spec_of(serving={"replicas": 1})) == "50 %"
