"""The manifests of the gateway: only images that are built here, and one port that is open on this machine."""

import yaml

from testbed import gateway, kindconfig


def test_the_image_that_was_built_here_takes_the_place_of_the_published_one_everywhere() -> None:
    made = [gateway.manifest(name, "localhost/podium-envoy:1") for name in ("controller.yaml", "public.yaml")]
    images = {line.split(": ")[1] for text in made for line in text.splitlines() if line.lstrip().startswith("image: ")}
    assert {image for image in images if "ratelimit" not in image} == {"localhost/podium-envoy:1"}  # which is not used


def test_the_gateway_is_reached_on_a_port_that_is_open_on_this_machine() -> None:
    (proxy,) = (
        each for each in yaml.safe_load_all(gateway.manifest("public.yaml", "x")) if each["kind"] == "EnvoyProxy"
    )
    service = proxy["spec"]["provider"]["kubernetes"]["envoyService"]
    assert service["patch"]["value"]["spec"]["ports"] == [{"port": 80, "nodePort": gateway.PORT}]
    assert gateway.PORT in kindconfig.NODE_PORTS


def test_there_is_one_gateway_and_it_admits_every_namespace() -> None:
    (found,) = (each for each in yaml.safe_load_all(gateway.manifest("public.yaml", "x")) if each["kind"] == "Gateway")
    assert (found["metadata"]["namespace"], found["metadata"]["name"]) == (gateway.NAMESPACE, gateway.NAME)
    assert found["spec"]["listeners"][0]["allowedRoutes"] == {"namespaces": {"from": "All"}}
