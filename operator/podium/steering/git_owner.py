"""Whether Git owns an object: what Argo CD and Flux write on what they apply. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

# https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
_ARGO: Final = "argocd.argoproj.io/"
_TRACKING: Final = f"{_ARGO}tracking-id"
_INSTANCES: Final = (f"{_ARGO}instance", "app.kubernetes.io/instance")  # the second one is Helm's, too
_ARGO_MANAGER: Final = "argocd-"  # of fields that it applied: argocd-controller
# https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
_KUSTOMIZE: Final = "kustomize.toolkit.fluxcd.io"
_HELM: Final = "helm.toolkit.fluxcd.io"
_LEFT_ALONE: Final = {"ignore", "ifnotpresent"}


@dataclass(frozen=True)
class GitOwner:
    """What applies the object from Git."""

    tool: str
    name: str
    comes_back: str  # when it puts back what Git says

    def __str__(self) -> str:
        return f"{self.tool} {self.name}".rstrip()


def git_owner(value: Mapping[str, Any]) -> GitOwner | None:
    """The owner that is written on the object; None where none is seen."""
    metadata = value.get("metadata") or {}
    labels, annotations = _texts(metadata.get("labels")), _texts(metadata.get("annotations"))
    return _argo(labels, annotations, metadata) or _flux(labels, annotations)


def _argo(labels: Mapping[str, str], annotations: Mapping[str, str], metadata: Mapping[str, Any]) -> GitOwner | None:
    comes_back = "within minutes where it heals itself, and otherwise at its next sync"
    if _TRACKING in annotations:  # application:group/kind:namespace/name
        return GitOwner("Argo CD's application", annotations[_TRACKING].partition(":")[0], comes_back)
    if not _applied_by_argo(annotations, metadata) and _INSTANCES[0] not in labels:
        return None
    instance = next((labels[label] for label in _INSTANCES if label in labels), None)
    return GitOwner("Argo CD's application", instance, comes_back) if instance is not None else None


def _applied_by_argo(annotations: Mapping[str, str], metadata: Mapping[str, Any]) -> bool:
    """Whether the label of the instance is Argo CD's: Helm sets it as well."""
    managers = [str(entry.get("manager")) for entry in metadata.get("managedFields") or [] if isinstance(entry, dict)]
    return any(name.startswith(_ARGO) for name in annotations) or any(it.startswith(_ARGO_MANAGER) for it in managers)


def _flux(labels: Mapping[str, str], annotations: Mapping[str, str]) -> GitOwner | None:
    disabled = annotations.get(f"{_KUSTOMIZE}/reconcile", "").lower() == "disabled"
    left_alone = disabled or annotations.get(f"{_KUSTOMIZE}/ssa", "").lower() in _LEFT_ALONE
    if f"{_KUSTOMIZE}/name" in labels and not left_alone:
        return GitOwner(
            "Flux's Kustomization", _named(labels, _KUSTOMIZE), "at its next interval, usually within minutes"
        )
    if f"{_HELM}/name" in labels:
        comes_back = "within minutes where it corrects drift, and otherwise at its next upgrade"
        return GitOwner("Flux's HelmRelease", _named(labels, _HELM), comes_back)
    return None


def _named(labels: Mapping[str, str], group: str) -> str:
    namespace = labels.get(f"{group}/namespace", "")
    return f"{namespace}/{labels[f'{group}/name']}" if namespace else labels[f"{group}/name"]


def _texts(found: object) -> Mapping[str, str]:
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
