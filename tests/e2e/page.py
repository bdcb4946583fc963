"""The page in the cluster, from its image and `manifests/page`, and a real browser at it with a visitor's own token."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FloatRect, sync_playwright
from playwright.sync_api import Page as Tab

from demo import stage
from testbed import tools
from testbed.cluster import Cluster
from tests.kubectl import Kubectl
from tests.yaml_files import ROOT

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
# Colours, and the size of the window: how people look at it
WAYS = (("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE))
TOP: FloatRect = {"x": 0, "y": 0, "width": 1280, "height": 1700}  # of a page, in the docs' pictures
PICTURES = ROOT / "docs/images"
WRITES_PICTURES = os.environ.get("PODIUM_SCREENSHOTS") == "write"
LOOKS, STEERS = ("get", "list", "watch"), ("get", "list", "watch", "patch")


def overlay(namespace: str, image: str, port: int) -> str:
    """A kustomization of manifests/page for one namespace, beside which another one may stand."""
    name, _, tag = image.rpartition(":")
    origin = {"name": "PODIUM_PAGE_ORIGIN", "value": f"http://127.0.0.1:{port}"}
    namespaces = {"name": "PODIUM_PAGE_NAMESPACES", "value": namespace}
    pod = {"spec": {"template": {"spec": {"containers": [{"name": "page", "env": [origin, namespaces]}]}}}}
    service = {"spec": {"type": "NodePort", "ports": [{"name": "http", "port": 80, "nodePort": port}]}}
    patches = {"Deployment": {"apiVersion": "apps/v1", **pod}, "Service": {"apiVersion": "v1", **service}}
    return yaml.safe_dump(
        {
            "namespace": namespace,
            "nameSuffix": f"-{namespace}",
            "components": ["../manifests/page"],
            "images": [{"name": "podium-page", "newName": name, "newTag": tag}],
            "patches": [_patch(kind, patch) for kind, patch in patches.items()],
        }
    )


def _patch(kind: str, patch: dict[str, Any]) -> dict[str, Any]:
    name = "podium-page"
    whole = {**patch, "kind": kind, "metadata": {"name": name}}
    return {"target": {"kind": kind, "name": name}, "patch": yaml.safe_dump(whole)}


@dataclass(frozen=True)
class PageInCluster:
    """One that is ready."""

    kubectl: Kubectl
    origin: str

    def visitor(self, name: str, verbs: tuple[str, ...]) -> str:
        """The token of a new account that may do this with the ModelDeployments of the namespace, and list its pods."""
        rules = [
            {"apiGroups": ["podium.dev"], "resources": ["modeldeployments"], "verbs": list(verbs)},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        ]
        group = "rbac.authorization.k8s.io"
        role = {"apiGroup": group, "kind": "Role", "name": name}
        made: list[dict[str, Any]] = [
            {"apiVersion": "v1", "kind": "ServiceAccount"},
            {"apiVersion": f"{group}/v1", "kind": "Role", "rules": rules},
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "roleRef": role,
                "subjects": [{"kind": "ServiceAccount", "name": name}],
            },
        ]
        items = [{**each, "metadata": {"name": name}} for each in made]
        self.kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        return self.kubectl("create", "token", name).strip()

    def address(self, name: str) -> str:
        return f"{self.origin}/deployments/{self.kubectl.namespace}/{name}"


@contextmanager
def page_in_cluster(cluster: Cluster, namespace: str, port: int) -> Iterator[PageInCluster]:
    """What manifests/page makes, in this namespace, at this NodePort. What is the cluster's is removed afterwards."""
    image = stage.image(cluster, "page")
    with TemporaryDirectory(prefix=".page-", dir=ROOT) as folder:  # kustomize takes relative paths only
        Path(folder, "kustomization.yaml").write_text(overlay(namespace, image, port))
        manifest = cluster.kubectl("kustomize", folder)
    kubectl = Kubectl(cluster, namespace)
    kubectl.apply(manifest)
    try:
        words = ["rollout", "status", f"deployment/podium-page-{namespace}", "--timeout=120s"]
        kubectl(*words, timeout=150)
        yield PageInCluster(kubectl, f"http://127.0.0.1:{port}")
    finally:
        kubectl("delete", f"clusterrole/podium-page-{namespace}", f"clusterrolebinding/podium-page-{namespace}")


@dataclass(frozen=True)
class Eyes:
    """A browser's tab, and what is wrong with what was seen in it."""

    tab: Tab
    wrong: list[str]

    def look(self, picture: str = "") -> None:
        """See the page in each way in which people look at it, with axe; and keep a picture of it for the docs."""
        for colours, size in WAYS:
            self.tab.set_viewport_size(size)  # type: ignore[arg-type]  # a TypedDict of the same two
            self.tab.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
            found = Axe().run(self.tab).response
            assert found["passes"], "axe has tried no rule"
            where = f"{self.tab.url} in {colours} at {size['width']} px"
            self.wrong.extend(
                f"{each['id']}: {each['help']} ({each['nodes'][0]['html']}) {where}" for each in found["violations"]
            )
            wide = self.tab.evaluate("document.documentElement.scrollWidth")
            if wide > size["width"]:
                self.wrong.append(f"{where} has to be scrolled sideways: {wide} px")
            if picture and WRITES_PICTURES:
                self._keep(picture, colours, size)
        self.tab.set_viewport_size(DESK)  # type: ignore[arg-type]
        self.tab.emulate_media(color_scheme="light")

    def _keep(self, picture: str, colours: str, size: dict[str, int]) -> None:
        """One as at a desk, and one as at night on a phone."""
        if (colours, size) == WAYS[0]:
            self.tab.screenshot(path=PICTURES / f"{picture}.png", full_page=True, clip=TOP)
        elif (colours, size) == WAYS[3]:
            self.tab.screenshot(path=PICTURES / f"{picture}-phone.png")


@contextmanager
def browsing(token: str) -> Iterator[Eyes]:
    """Chromium, whose every request says whose it is, as behind a proxy that passes the token on."""
    tools.ensure(tools.FOR_BROWSER, root=False, go=False)
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        with chromium, chromium.new_context(extra_http_headers={"Authorization": f"Bearer {token}"}) as context:
            eyes = Eyes(context.new_page(), [])
            eyes.tab.on("pageerror", lambda error: eyes.wrong.append(f"script: {error}"))
            eyes.tab.on(
                "console", lambda said: eyes.wrong.append(said.text) if "Security Policy" in said.text else None
            )
            yield eyes
