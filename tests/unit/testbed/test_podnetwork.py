"""Every node has a bridge for its own pods and a route to those of each other node."""

import json

from testbed import podnetwork

NODES = {"one": ("10.89.0.2", "10.244.0.0/24"), "two": ("10.89.0.3", "10.244.1.0/24")}


def test_a_node_gives_its_pods_addresses_of_its_own_range() -> None:
    bridge, portmap = json.loads(podnetwork.conflist("10.244.1.0/24"))["plugins"]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]
    assert portmap["capabilities"] == {"portMappings": True}


def test_a_node_reaches_the_pods_of_the_others_through_their_nodes() -> None:
    assert podnetwork.routes("one", NODES) == [("10.244.1.0/24", "10.89.0.3")]


def test_a_single_node_needs_no_route() -> None:
    assert podnetwork.routes("one", {"one": NODES["one"]}) == []
