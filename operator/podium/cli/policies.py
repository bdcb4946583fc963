"""PodiumPolicies that say what a file may ask for: those of other files, or of the cluster."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final
from urllib.parse import quote

import click

from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.policies import KubernetesPolicies
from podium.api.v1alpha1.policy import POLICY_KIND, PodiumPolicyManifest, PodiumPolicySpec
from podium.api.v1alpha1.spec.spec import Spec
from podium.cli.documents import Document, Path, Unreadable, read_documents
from podium.cli.objects import InputError
from podium.cli.problems import problems, written
from podium.cli.sources import texts
from podium.core.permissions.matching import selects
from podium.core.permissions.permitted import permitted
from podium.core.refusal import Refusal
from podium.errors import NotFound, PodiumError

_NAMESPACES: Final = "/api/v1/namespaces"


@dataclass(frozen=True)
class Policies:
    """The policies, by name, and the labels of namespaces, as far as they are known."""

    named: Mapping[str, PodiumPolicySpec]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, namespace: str) -> Mapping[str, PodiumPolicySpec]:
        """Those that match the namespace. One whose labels are not known has none."""
        labels = self.labels.get(namespace, {})
        return {name: each for name, each in self.named.items() if selects(each.namespace_selector, namespace, labels)}

    def unsure(self, namespace: str) -> Sequence[str]:
        """Names of those that might match, if the labels of the namespace were known."""
        if namespace in self.labels:
            return []
        return [name for name, each in self.named.items() if each.namespace_selector.needs_labels]

    def refused(self, spec: Spec, namespace: str, own_registry: str) -> Sequence[Refusal]:
        """What the spec asks for and they do not grant."""
        return permitted(spec, namespace, tuple(self.of(namespace).values()), own_registry)


def of_policies(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --policies, and hands over what is there as `policies`; None where it is not given."""

    @click.option(
        "--policies",
        "granting",
        multiple=True,
        metavar="FILE",
        type=click.Path(exists=True, readable=True),
        help="PodiumPolicies that say what is granted, a file or a directory; labels come from its Namespaces.",
    )
    @wraps(command)
    def given(*args: Any, granting: tuple[str, ...], **rest: Any) -> Any:
        found = [each for source in granting for each in texts(source, InputError)]
        return command(*args, policies=policies_of(found) if granting else None, **rest)

    return given


def policies_of(given: Iterable[tuple[str, str]]) -> Policies:
    """Those of files, each a name and its text, with the labels of the Namespaces that are there.

    Raises InputError where one of them is wrong, and where there is none.
    """
    named: dict[str, PodiumPolicySpec] = {}
    labels: dict[str, Mapping[str, str]] = {}
    for source, text in given:
        try:
            for document in read_documents(text):
                _take(source, document, named, labels)
        except Unreadable as error:
            raise InputError(f"{source}:{error.line}: not valid YAML for kubectl: {error}") from error
    if not named:
        raise InputError(f"expected at least one {POLICY_KIND} in the files of --policies, found none")
    return Policies(named, labels)


def _take(
    source: str, document: Document, named: dict[str, PodiumPolicySpec], labels: dict[str, Mapping[str, str]]
) -> None:
    value = document.value
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "Namespace":
        metadata = value.get("metadata") or {}
        labels[str(metadata.get("name"))] = metadata.get("labels") or {}
    if kind == POLICY_KIND:
        for wrong in problems(value):
            raise InputError(f"{source}:{document.line(wrong.path)}: {wrong.field}: {wrong.message}")
        named[str(value["metadata"].get("name"))] = PodiumPolicyManifest.model_validate(written(value)).spec


async def policies_of_cluster(api: Api, namespace: str) -> Policies | None:
    """Those of the cluster, and the labels of this namespace; None where the kind is not installed.

    Raises the errors of `podium.errors` where the caller may not read what decides.
    """
    named = await KubernetesPolicies(api).named()
    if named is None:
        return None
    if not any(each.namespace_selector.needs_labels for each in named.values()):
        return Policies(named)
    try:
        found = await api.get(f"{_NAMESPACES}/{quote(namespace, safe='')}")
    except NotFound:
        return Policies(named, {namespace: {}})  # it is to be made
    return Policies(named, {namespace: found["metadata"].get("labels") or {}})


def where(refusal: Refusal, value: Any) -> Path:
    """The path of the field in the object, as far as it is there: `spec.gates[review]` names an item of a list."""
    path: list[str | int] = []
    for part in _parts(refusal.field):
        if isinstance(value, list):
            found = [at for at, item in enumerate(value) if part in {str(at), _name_of(item)}]
            step: str | int = found[0] if found else -1
        else:
            step = part
        try:
            value = value[step] if step != -1 else None
        except (KeyError, IndexError, TypeError):
            value = None
        if value is None:
            break
        path.append(step)
    return tuple(path)


def _parts(field: str) -> list[str]:
    """The steps of a field's path; what stands in brackets may have dots."""
    made, rest = [], field
    while rest:
        if rest.startswith("["):
            inside, _, rest = rest[1:].partition("]")
            made.append(inside)
        else:
            end = min((at for at in (rest.find("."), rest.find("[")) if at > 0), default=len(rest))
            made.append(rest[:end])
            rest = rest[end:]
        rest = rest.removeprefix(".")
    return made


def _name_of(item: Any) -> str:
    return str(item.get("name")) if isinstance(item, dict) else ""


@dataclass(frozen=True)
class Permission:
    """What policies say of one object."""

    policies: Sequence[str]  # that match its namespace
    refusals: Sequence[Refusal]
    problem: str = ""  # why it is not known; "" where it is


async def permission(api: Api, given: Policies | None, spec: Spec, namespace: str, own_registry: str) -> Permission:
    """By the given policies, or else by those of the cluster."""
    try:
        known = given or await policies_of_cluster(api, namespace)
    except PodiumError as error:
        return Permission([], [], str(error))
    if known is None:
        return Permission([], [])
    unsure = known.unsure(namespace)
    problem = f"labels of namespace {namespace} decide whether {', '.join(unsure)} match, and are not given"
    return Permission(
        list(known.of(namespace)), known.refused(spec, namespace, own_registry), problem if unsure else ""
    )
