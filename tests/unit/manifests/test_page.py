"""manifests/page: the page's account has impersonation alone, and its pod is as the code expects it."""

from typing import Any, Final

import yaml

from podium.dashboard.page_settings import PageSettings
from tests.yaml_files import ROOT

FOLDER: Final = ROOT / "manifests/page"
FILES: Final = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
OBJECTS: Final[list[Any]] = [one for file in FILES for one in yaml.safe_load_all((FOLDER / file).read_text())]


def of_kind(kind: str) -> Any:
    (found,) = [one for one in OBJECTS if one["kind"] == kind]
    return found


def container() -> Any:
    return of_kind("Deployment")["spec"]["template"]["spec"]["containers"][0]


def test_its_account_may_impersonate_and_ask_who_a_token_is_and_nothing_else() -> None:
    rights = {
        (verb, each) for rule in of_kind("ClusterRole")["rules"] for verb in rule["verbs"] for each in rule["resources"]
    }
    kinds = ("users", "groups", "serviceaccounts", "uids")
    assert rights == {("create", "tokenreviews"), *(("impersonate", kind) for kind in kinds)}
    assert not [one for one in OBJECTS if one["kind"] in {"Role", "RoleBinding"}]


def test_its_variables_are_settings_and_anonymous_is_off() -> None:
    env = {one["name"]: one["value"] for one in container()["env"]}
    assert PageSettings.from_environment(env) == PageSettings(origin="http://localhost:8910")


def test_the_service_leads_to_its_pods_and_its_port() -> None:
    spec, pod = of_kind("Service")["spec"], of_kind("Deployment")["spec"]["template"]
    assert spec["selector"].items() <= pod["metadata"]["labels"].items()
    (port,) = container()["ports"]
    assert (port["name"], port["containerPort"]) == (spec["ports"][0]["targetPort"], PageSettings("").port)


def test_its_image_is_built_from_its_own_lock() -> None:
    made = (ROOT / "images/page/Containerfile").read_text()
    assert "requirements/page.txt" in made
    locked = (ROOT / "requirements/page.txt").read_text()
    assert all(f"\n{name}==" in locked for name in ("starlette", "uvicorn", "jinja2", "kubernetes", "pyyaml"))
    assert "\nmlflow" not in locked
