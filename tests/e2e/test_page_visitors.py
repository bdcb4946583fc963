"""The page in a cluster, at the real API server: its account may impersonate and nothing else, and RBAC decides."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from podium.adapters.kubernetes.api import Api, login
from podium.dashboard.front import Front
from podium.dashboard.logins import Logins
from podium.dashboard.page_settings import PageSettings
from podium.dashboard.seats import Seats, connecting
from testbed.errors import CommandFailed
from tests.kubectl import Kubectl
from tests.yaml_files import ROOT

pytestmark = pytest.mark.cluster

ORIGIN = "https://podium.example.com"
PATH = "/deployments/{namespace}/churn"
MD = """
apiVersion: podium.dev/v1alpha1
kind: ModelDeployment
metadata: {name: churn}
spec: {model: {name: churn, version: "1"}}
"""
RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: viewer}
rules:
  - {apiGroups: [podium.dev], resources: [modeldeployments], verbs: [get, list, watch, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: viewer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: viewer}
subjects: [{kind: ServiceAccount, name: viewer}]
"""


def rbac(namespace: str) -> str:
    """manifests/page/rbac.yaml in the test's own namespace, under names of its own."""
    found = list(yaml.safe_load_all((ROOT / "manifests/page/rbac.yaml").read_text()))
    for each in found:
        if each["kind"] == "ServiceAccount":
            each["metadata"]["namespace"] = namespace
        else:
            each["metadata"]["name"] = f"podium-page-{namespace}"
        for subject in each.get("subjects", []):
            subject["namespace"] = namespace
        if "roleRef" in each:
            each["roleRef"]["name"] = f"podium-page-{namespace}"
    return yaml.safe_dump_all(found)


@pytest.fixture
def accounts(kubectl: Kubectl, namespace: str) -> Iterator[dict[str, str]]:
    """Tokens of the page, of a viewer with rights in the namespace, and of a stranger without any."""
    kubectl.apply(rbac(namespace))
    for name in ("viewer", "stranger"):
        kubectl("create", "serviceaccount", name)
    kubectl.apply(RIGHTS)
    kubectl.apply(MD)
    yield {name: kubectl("create", "token", name).strip() for name in ("podium-page", "viewer", "stranger")}
    kubectl("delete", f"clusterrole/podium-page-{namespace}", f"clusterrolebinding/podium-page-{namespace}")


class Page:
    def __init__(self, api: Api, namespace: str) -> None:
        given = {"PODIUM_PAGE_ORIGIN": ORIGIN, "PODIUM_PAGE_NAMESPACES": namespace}
        settings = PageSettings.from_environment(given)
        self.seats = Seats(settings, connecting(api.configuration), b"secret")
        self._front = Front(settings, Logins(api, settings), self.seats)

    async def ask(self, path: str, method: str = "GET", *, token: str, **asked: Any) -> httpx.Response:
        headers = {"Host": "podium.example.com", "Authorization": f"Bearer {token}", "Origin": ORIGIN}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._front), base_url=ORIGIN) as client:
            return await client.request(method, path, headers=headers, **asked)


@pytest.fixture
def kubeconfig(kubectl: Kubectl, accounts: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has the rights of the page's account and no others."""
    value = yaml.safe_load(kubectl.cluster.kubeconfig.read_text())
    for each in value["users"]:
        each["user"] = {"token": accounts["podium-page"]}
    mine = tmp_path / "kubeconfig"
    mine.write_text(yaml.safe_dump(value))
    monkeypatch.setenv("KUBECONFIG", str(mine))


@asynccontextmanager
async def paging(namespace: str) -> AsyncIterator[Page]:
    api = Api(await login())
    page = Page(api, namespace)
    try:
        yield page
    finally:
        await page.seats.end()
        await api.close()


def fields(answer: httpx.Response, verb: str) -> dict[str, str]:
    form = re.search(rf'<form[^>]*action="[^"]*/{verb}".*?</form>', answer.text, re.DOTALL)
    assert form is not None, answer.text
    return dict(re.findall(r'name="([a-z]+)" value="([^"]*)"', form[0]))


@pytest.mark.usefixtures("kubeconfig")
async def test_each_visitor_sees_and_changes_what_rbac_lets_them(
    kubectl: Kubectl, namespace: str, accounts: dict[str, str]
) -> None:
    path = PATH.format(namespace=namespace)
    async with paging(namespace) as page:
        shown = await page.ask(path, token=accounts["viewer"])
        assert shown.status_code == 200, shown.text
        form = fields(shown, "pause")
        refused = await page.ask("/", token=accounts["stranger"])
        assert (f"{namespace}/churn" in refused.text, "forbidden" in refused.text.lower()) == (False, True)
        assert (await page.ask(path, token=accounts["stranger"])).status_code == 404
        forged = await page.ask(f"{path}/pause", "POST", token=accounts["stranger"], data=form)
        assert forged.status_code == 403
        assert (await page.ask("/", token="made-up")).status_code == 401
        assert "paused" not in kubectl.get("modeldeployment", "churn")["spec"]
        pressed = await page.ask(f"{path}/pause", "POST", token=accounts["viewer"], data=form)
        assert pressed.status_code == 200, pressed.text
    assert kubectl.get("modeldeployment", "churn")["spec"]["paused"] is True


@pytest.mark.usefixtures("accounts")
def test_the_pages_own_account_may_read_and_write_nothing(kubectl: Kubectl, namespace: str) -> None:
    who = f"--as=system:serviceaccount:{namespace}:podium-page"
    for right in ("list modeldeployments", "patch modeldeployments", "get secrets", "list pods"):
        with pytest.raises(CommandFailed):
            kubectl("auth", "can-i", *right.split(), who)
    assert kubectl("auth", "can-i", "create", "tokenreviews.authentication.k8s.io", who).strip().endswith("yes")
