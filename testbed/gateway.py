"""A gateway in the cluster, for those tests that need one: Envoy Gateway with a real Envoy, and one Gateway `public`.

    install(cluster)                           takes 25 s the first time, and looks only, from then on
    http://127.0.0.1:31029/                    where its routes answer, by their host names

What it is made of is built when it is first asked for: the controller and all CRDs come from Go modules, Envoy from a
wheel on PyPI, both in one image. Their names and those of the chart's manifests are kept in `recipes/envoy`.
"""

from collections.abc import Iterator
from pathlib import Path

from testbed import gobuild, places
from testbed.access import Access
from testbed.progress import step
from testbed.waiting import wait_until

RECIPE = "envoy-gateway"
PACKAGE = "github.com/envoyproxy/gateway/cmd/envoy-gateway"
PUBLISHED = "docker.io/envoyproxy/gateway:v1.9.1"  # the name in the manifests, in place of which ours is put
CONTROLLER, NAMESPACE, NAME = "envoy-gateway-system", "gateway", "public"
PORT = 31029  # on 127.0.0.1, of the default cluster
LONGEST = 180.0  # seconds
_APPLY = ("apply", "--server-side", "--force-conflicts")


def install(cluster: Access) -> None:
    """Returns once the Gateway is programmed and its Envoy answers. Raises `TestbedError`."""
    image = _image(cluster)
    if image in _running(cluster) and _programmed(cluster):
        return
    with step("installing Envoy Gateway"):
        for folder in crds():
            cluster.kubectl(*_APPLY, *(f"--filename={file}" for file in folder))
        cluster.kubectl("delete", "job", "--all", f"--namespace={CONTROLLER}", "--ignore-not-found")
        cluster.kubectl(*_APPLY, "--filename=-", input=manifest("controller.yaml", image))
        words = ["rollout", "status", "deployment/envoy-gateway", f"--namespace={CONTROLLER}"]
        cluster.kubectl(*words, f"--timeout={LONGEST:.0f}s", timeout=LONGEST + 20)
        cluster.kubectl(*_APPLY, "--filename=-", input=manifest("public.yaml", image))
        wait_until("the Gateway is programmed", lambda: _programmed(cluster), LONGEST)


def crds() -> Iterator[list[Path]]:
    """The CRDs of the Gateway API (its standard channel) and of Envoy Gateway: files, grouped as they are applied."""
    api = gobuild.module_folder(RECIPE, "sigs.k8s.io/gateway-api") / "config/crd/standard"
    yield [file for file in sorted(api.glob("gateway.networking.k8s.io_*.yaml")) if "_vap_" not in file.name]
    own = gobuild.module_folder(RECIPE, "github.com/envoyproxy/gateway")
    yield sorted((own / "charts/gateway-helm/charts/crds/crds/generated").glob("*.yaml"))


def manifest(name: str, image: str) -> str:
    """A manifest of the recipe, with the image that was built here."""
    return (places.recipe("envoy") / name).read_text().replace(PUBLISHED, image)


def _image(cluster: Access) -> str:
    program = gobuild.program(RECIPE, package=PACKAGE)
    return cluster.build_and_load("podium-envoy", places.recipe("envoy") / "Containerfile", program.parent)


def _running(cluster: Access) -> list[str]:
    """Images of the controller's ready pods."""
    pods = cluster.get("pods", f"--namespace={CONTROLLER}", "--selector=control-plane=envoy-gateway")["items"]
    containers = [pod["status"].get("containerStatuses") or [] for pod in pods]
    ready = [bool(each) and all(one["ready"] for one in each) for each in containers]
    return [pod["spec"]["containers"][0]["image"] for pod, yes in zip(pods, ready, strict=True) if yes]


def _programmed(cluster: Access) -> bool:
    """Whether Envoy has the Gateway's configuration and its pods are ready."""
    words = ["get", f"gateways.gateway.networking.k8s.io/{NAME}", f"--namespace={NAMESPACE}", "--ignore-not-found"]
    path = '{.status.conditions[?(@.type=="Programmed")].status}'
    return cluster.kubectl(*words, f"--output=jsonpath={path}") == "True"
