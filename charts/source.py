"""manifests/ as templates: each object, and what of it a value of the chart replaces."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from charts.template import Block, Inline, Lines, rendered

ROOT: Final = Path(__file__).parent.parent
CHART: Final = ROOT / "charts/podium"
MANIFESTS: Final = ROOT / "manifests"
Object = dict[str, Any]

_ACCOUNT: Final = Inline('.Values.serviceAccount.name | default "podium-operator"')
_HERE: Final = Inline(".Release.Namespace")
_IMAGE: Final = Inline(
    'printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote'
)
_LOGIN: Final = """        {{- with .Values.registry.secretName }}
        envFrom:
        - secretRef:
            name: {{ . | quote }}
        {{- end }}"""
_SETTINGS: Final = """        {{- range $name, $value := .Values.settings }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}"""
_PAGE_IMAGE: Final = Inline(
    'printf "%s:%s" .Values.page.image.repository (.Values.page.image.tag | default .Chart.AppVersion) | quote'
)
_PAGE_ENV: Final = {
    "PODIUM_PAGE_ORIGIN": 'required "page.origin is what browsers call the page" .Values.page.origin | quote',
    "PODIUM_PAGE_TRUSTED_PROXIES": 'join "," .Values.page.trustedProxies | quote',
    "PODIUM_PAGE_ANONYMOUS": 'ternary "on" "off" .Values.page.anonymous | quote',
}
_PAGE_SETTINGS: Final = _SETTINGS.replace(".Values.settings", ".Values.page.settings")
_SIDECARS: Final = """      {{- with .Values.page.sidecars }}
      {{- toYaml . | nindent 6 }}
      {{- end }}"""
_CONDITIONS: Final = {  # templates that are rendered only where a value says so, by kind and name
    ("Namespace", "podium-system"): ".Values.namespace.create",
    ("PodiumPolicy", "default"): 'dig "default" true (.Values.policy | default dict)',
    ("ServiceAccount", "podium-operator"): ".Values.serviceAccount.create",
    ("ClusterRole", "podium-operator-reload"): ".Values.rbac.reload",
    ("ClusterRoleBinding", "podium-operator-reload"): ".Values.rbac.reload",
    ("ClusterRole", "podium-operator-registry-logins"): ".Values.rbac.registryLogins",
    ("ClusterRoleBinding", "podium-operator-registry-logins"): ".Values.rbac.registryLogins",
}


def objects(path: str) -> list[Object]:
    """The objects of a file of manifests/."""
    return [one for one in yaml.safe_load_all((MANIFESTS / path).read_text()) if one is not None]


def templates() -> Iterator[tuple[Path, str]]:
    """Each generated template, by its path."""
    for name in ("namespace", "rbac", "deployment", "service", "policy"):
        yield CHART / f"templates/{name}.yaml", "\n---\n".join(_template(one) for one in objects(f"{name}.yaml")) + "\n"
    for name in ("monitors", "rules"):
        texts = [_monitoring(one) for one in objects(f"monitoring/{name}.yaml")]
        yield CHART / f"templates/{name}.yaml", _when(".Values.monitoring.enabled", "\n---\n".join(texts)) + "\n"
    page = [_page(one) for name in ("rbac", "deployment", "service") for one in objects(f"page/{name}.yaml")]
    yield CHART / "templates/page.yaml", _when(".Values.page.enabled", "\n---\n".join(page)) + "\n"
    yield CHART / "templates/dashboards.yaml", _when(".Values.monitoring.enabled", _dashboards()) + "\n"


def copies() -> Iterator[tuple[Path, str]]:
    """Each file that the chart has as it is in the repository."""
    for file in sorted((ROOT / "crds").glob("podium.dev_*.yaml")):
        yield CHART / "crds" / file.name, file.read_text()
    for file in sorted((MANIFESTS / "monitoring/dashboards").glob("*.json")):
        yield CHART / "dashboards" / file.name, file.read_text()


def _template(found: Object) -> str:
    known = (found["kind"], found["metadata"]["name"])
    made = _changed(found)
    text = rendered(made).rstrip("\n")
    return _when(_CONDITIONS[known], text) if known in _CONDITIONS else text


def _changed(found: Object) -> Object:
    """The object with the values of the chart in it."""
    change = _CHANGES.get(found["kind"], dict)
    return _placed(change(found))


def _placed(found: Object) -> Object:
    metadata = dict(found["metadata"])
    if "namespace" in metadata:
        metadata["namespace"] = _HERE
    subjects = [{**one, "name": _ACCOUNT, "namespace": _HERE} for one in found.get("subjects", [])]
    return {**found, "metadata": metadata, **({"subjects": subjects} if subjects else {})}


def _namespace(found: Object) -> Object:
    return {**found, "metadata": {**found["metadata"], "name": _HERE}}


def _service_account(found: Object) -> Object:
    metadata = {**found["metadata"], "name": _ACCOUNT, "annotations": Block(".Values.serviceAccount.annotations")}
    return {**found, "metadata": metadata}


def _deployment(found: Object) -> Object:
    template, spec = found["spec"]["template"], found["spec"]["template"]["spec"]
    pod = {
        **spec,
        "serviceAccountName": _ACCOUNT,
        "affinity": Block(".Values.affinity"),
        "containers": [_container(spec["containers"][0])],
        "imagePullSecrets": Block(".Values.image.pullSecrets"),
        "nodeSelector": Block(".Values.nodeSelector"),
        "tolerations": Block(".Values.tolerations"),
    }
    metadata = {**template["metadata"], "annotations": Block(".Values.podAnnotations")}
    made = {**found["spec"], "replicas": Inline(".Values.replicas"), "template": {"metadata": metadata, "spec": pod}}
    return {**found, "spec": made}


def _container(found: Object) -> Object:
    said = {"PODIUM_REGISTRY_URI": ".Values.registry.uri", "PODIUM_RUNTIME_IMAGE": ".Values.runtimeImage"}
    env = [
        {**one, "value": Inline(f"{said[one['name']]} | quote")} if one["name"] in said else one for one in found["env"]
    ]
    made = {
        **found,
        "image": _IMAGE,
        "imagePullPolicy": Inline(".Values.image.pullPolicy"),
        "env": [*env, Lines(_SETTINGS)],
        "resources": Block(".Values.resources", always=True),
    }
    after = list(made).index("env") + 1
    return dict([*list(made.items())[:after], ("envFrom", Lines(_LOGIN)), *list(made.items())[after:]])


_CHANGES: Final[Mapping[str, Callable[[Object], Object]]] = {
    "Namespace": _namespace,
    "ServiceAccount": _service_account,
    "Deployment": _deployment,
}


def _monitoring(found: Object) -> str:
    labels = Lines("    {{- with .Values.monitoring.labels }}\n    {{- toYaml . | nindent 4 }}\n    {{- end }}")
    metadata = {**found["metadata"], "labels": {**found["metadata"]["labels"], "more": labels}}
    return rendered(_placed({**found, "metadata": metadata})).rstrip("\n")


def _page(found: Object) -> str:
    """An object of the page. Its account is its own, and so no value names it."""
    made = _placed(found)
    subjects = [{**one, "namespace": _HERE} for one in found.get("subjects", [])]
    made |= {"subjects": subjects} if subjects else {}
    if found["kind"] == "Deployment":
        template = found["spec"]["template"]
        pod = {**template["spec"], "imagePullSecrets": Block(".Values.image.pullSecrets")}
        pod["containers"] = [_page_container(pod["containers"][0]), Lines(_SIDECARS)]
        made["spec"] = {**found["spec"], "template": {**template, "spec": pod}}
    return rendered(made).rstrip("\n")


def _page_container(found: Object) -> Object:
    env = [{**one, "value": Inline(_PAGE_ENV[one["name"]])} for one in found["env"]]
    pulled = {"image": _PAGE_IMAGE, "imagePullPolicy": Inline(".Values.image.pullPolicy")}
    resources = Block(".Values.page.resources", always=True)
    return {**found, **pulled, "env": [*env, Lines(_PAGE_SETTINGS)], "resources": resources}


def _dashboards() -> str:
    made = yaml.safe_load((MANIFESTS / "monitoring/kustomization.yaml").read_text())["configMapGenerator"][0]
    metadata = {"name": made["name"], "namespace": _HERE, "labels": made["options"]["labels"]}
    files = [Path(each).name for each in made["files"]]
    data = "\n".join(f'  {name}: {{{{ .Files.Get "dashboards/{name}" | quote }}}}' for name in files)
    return rendered({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}) + f"data:\n{data}"


def _when(condition: str, text: str) -> str:
    return f"{{{{- if {condition} }}}}\n{text}\n{{{{- end }}}}"
