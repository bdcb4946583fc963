"""`podium validate`: objects of Podium in YAML files, checked as the API server would, without a cluster."""

import json
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

import click

from podium.api.v1alpha1.manifest import GROUP, KIND, ModelDeploymentManifest
from podium.cli.documents import Document, Unreadable, read_documents
from podium.cli.policies import Policies, of_policies, where
from podium.cli.problems import kind_of, problems, written
from podium.cli.sources import texts
from podium.core.traffic.shares import coarse_share, weight_text

_A_LIST = "expected an object, found a list of objects; do: write --- between them, or kind: List with items"


@dataclass(frozen=True)
class Found:
    """A problem, and the line where it is."""

    file: str
    line: int
    object: str  # as kubectl names it: churn, or ml/churn; "" for what is no ModelDeployment
    path: str  # of the field, as the API server writes it; "" for the file as a whole
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: " + ": ".join(filter(None, [self.object, self.path, self.message]))


@dataclass(frozen=True)
class Granting:
    """What is granted, and to what."""

    policies: Policies
    namespace: str  # of objects that name none
    operator_registry: str  # "" where it is not known


@dataclass
class Report:
    """What was looked at, and what was wrong with it."""

    checked: int = 0
    skipped: int = 0  # objects of other kinds
    kinds: dict[str, int] = field(default_factory=dict)  # how many of each kind were checked
    problems: list[Found] = field(default_factory=list)
    notes: list[Found] = field(default_factory=list)  # what is allowed, and may not be what was meant

    def __str__(self) -> str:
        kinds = self.kinds or {KIND: 0}
        checked = ", ".join(_counted(count, kind) for kind, count in sorted(kinds.items()))
        skipped, wrong = _counted(self.skipped, "other object"), _counted(len(self.problems), "problem")
        return f"{checked} checked, {skipped} skipped, {wrong}"

    def check(self, kind: str) -> None:
        """One more object of this kind."""
        self.checked += 1
        self.kinds[kind] = self.kinds.get(kind, 0) + 1


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


class Unopened(click.ClickException):
    """Nothing can be said about the file."""

    exit_code = 2


@click.command(short_help="Check the YAML files of Podium's objects, without a cluster.")
@click.argument(
    "sources", metavar="FILE…", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True, readable=True)
)
@of_policies
@click.option(
    "-n", "--namespace", default="default", show_default=True, help="Namespace of objects that name none, for policies."
)
@click.option("--operator-registry", default="", metavar="URI", help="The operator's own registry, for policies.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def validate(
    sources: tuple[str, ...], *, policies: Policies | None, namespace: str, operator_registry: str, as_json: bool
) -> None:
    """Check the YAML files of Podium's objects as the API server would, without a cluster.

    FILE is a YAML file, a directory (all its *.yaml and *.yml, at any depth) or - for standard input. Objects of other
    kinds are skipped. With --policies, what the PodiumPolicies there do not grant is a problem as well: before the
    commit, as the operator will say after it.

    Exit code: 0 when all is well, 1 when something is wrong in a file or FILE holds no object, 2 when a file cannot be
    read.
    """
    report = Report()
    granting = Granting(policies, namespace, operator_registry) if policies is not None else None
    for source in sources:
        _check_source(source, report, granting)
    for line in [json.dumps(asdict(report), indent=2)] if as_json else report.problems:
        click.echo(line)
    for note in [] if as_json else report.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(report, err=True)
    sys.exit(1 if report.problems else 0)


def _check_source(source: str, report: Report, granting: Granting | None) -> None:
    """Check all files of it. One without any object is a problem, as it is for kubectl: a template may have failed."""
    before = report.checked, report.skipped, len(report.problems)
    for name, text in texts(source, Unopened):
        _check(name, text, report, granting)
    if before == (report.checked, report.skipped, len(report.problems)):
        message = f"no object found, expected at least one {KIND}. Is this the right file, and was it rendered?"
        report.problems.append(Found("<stdin>" if source == "-" else source, 1, "", "", message))


def _check(file: str, text: str, report: Report, granting: Granting | None) -> None:
    try:
        for document in read_documents(text):
            if _is_ours(document.value):
                report.check(kind_of(document.value))
                found = _found(file, document)
                if not found and granting is not None:
                    found, unsure = _refused(file, document, granting)
                    report.notes += unsure
                report.problems += found
                report.notes += [] if found else _notes(file, document)
            elif isinstance(document.value, list) and any(map(_is_ours, document.value)):
                report.problems.append(Found(file, document.line(()), "", "", _A_LIST))
            else:
                report.skipped += 1
    except Unreadable as error:
        report.problems.append(Found(file, error.line, "", "", f"not valid YAML for kubectl: {error}"))


def _is_ours(value: Any) -> bool:
    """By group or by kind, so that a slip in one of them is found. Flux has a Provider and an Alert of its own."""
    if not isinstance(value, dict):
        return False
    group = str(value.get("apiVersion")).partition("/")[0]
    return group == GROUP or value.get("kind") == KIND


def _notes(file: str, document: Document) -> list[Found]:
    """Shares that the pods cannot make: without a gateway the share is the ratio of pods."""
    if kind_of(document.value) != KIND:
        return []
    spec = ModelDeploymentManifest.model_validate(written(document.value)).spec
    coarse = [weight_text(step.weight, spec) for step in spec.rollout.steps if coarse_share(step.weight, spec)]
    if not coarse:
        return []
    path = ("spec", "rollout", "steps")
    advice = "Exact shares need spec.traffic.gateway or httpRouteRef; finer ones more spec.serving.replicas"
    return [Found(file, document.line(path), _name(document), ".".join(path), f"{'; '.join(coarse)}. {advice}")]


def _found(file: str, document: Document) -> list[Found]:
    name = _name(document)
    found = (Found(file, document.line(it.path), name, it.field, it.message) for it in problems(document.value))
    return sorted(found, key=lambda problem: (problem.line, problem.path))


def _refused(file: str, document: Document, granting: Granting) -> tuple[list[Found], list[Found]]:
    """What is not granted, and what is not known for sure."""
    if kind_of(document.value) != KIND:
        return [], []
    spec, name = ModelDeploymentManifest.model_validate(written(document.value)).spec, _name(document)
    namespace = str(document.value["metadata"].get("namespace") or granting.namespace)
    refused = [
        Found(
            file, document.line(where(one, document.value)), name, one.field, f"{one.found} is not permitted: {one.ask}"
        )
        for one in granting.policies.refused(spec, namespace, granting.operator_registry)
    ]
    unsure = [
        Found(
            file,
            document.line(()),
            name,
            "",
            f"PodiumPolicy {each} selects by labels, and no file has Namespace {namespace}",
        )
        for each in granting.policies.unsure(namespace)
    ]
    return refused, unsure


def _name(document: Document) -> str:
    metadata = document.value.get("metadata")
    parts = [metadata.get("namespace"), metadata.get("name")] if isinstance(metadata, dict) else []
    return "/".join(part for part in parts if isinstance(part, str))
