"""`podium plan`: what a file would do to a rollout: the trial under way, the gates, and how long it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import click

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.read import model_deployment
from podium.api.v1alpha1.manifest import ModelDeploymentManifest
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Status
from podium.cli.file_objects import FileObject, file_objects, of_files
from podium.cli.fitness import OPERATOR, OPERATOR_NAMESPACE
from podium.cli.live import connected, run
from podium.cli.objects import InputError
from podium.cli.options import Place, as_json, at_place
from podium.cli.plan_text import PlanFound, Takes, as_text
from podium.cli.policies import Permission, Policies, of_policies, permission
from podium.cli.problems import written
from podium.cli.screen import Screen
from podium.cli.simulate import rate_of
from podium.cli.tables import to_json
from podium.core.facts import Key, RegistryState
from podium.errors import PodiumError
from podium.planning.outlook import Outlook, Planned, outlook, with_registry
from podium.planning.registry import Read, read
from podium.simulation.assumed import Contradiction, assumed
from podium.simulation.figures import figures
from podium.simulation.many import trials
from podium.simulation.trial import Plan

_LONGEST: Final = timedelta(days=7)  # of a simulated trial
_NO_SHARES: Final[Mapping[Any, Mapping[str, float]]] = {"champion": {}, "good": {}, "bad": {}}


@click.command(short_help="Say what a file would do to a rollout, before it is applied.")
@of_files
@click.option("--registry", "address", metavar="URI", help="Where to reach the registry from here: a port-forward.")
@click.option(
    "--operator-namespace", default=OPERATOR_NAMESPACE, show_default=True, help="Namespace that the operator runs in."
)
@of_policies
@click.option("--rate", default="50/s", show_default=True, callback=rate_of, help="Requests: 50/s, 200/m, 10/h.")
@click.option(
    "--trials", "number", default=20, show_default=True, type=click.IntRange(0, 1000), help="To simulate; 0 for none."
)
@at_place
@as_json
def plan(
    sources: tuple[str, ...],
    place: Place,
    *,
    address: str | None,
    operator_namespace: str,
    policies: Policies | None,
    rate: float,
    number: int,
    as_object: bool,
) -> None:
    """Say what FILE would do to the rollouts in the cluster if it were applied; - is standard input.

    For each ModelDeployment of the file: the fields that differ, whether a trial under way goes on or restarts, the
    moves that follow by the operator's own rules, what each gate says now, and how long a trial takes by simulation.
    What the cluster's PodiumPolicies, or those of --policies, do not grant comes before all that: nothing new begins.
    The registry is read as the operator reads it, with the spec's login, and from where you are; where it cannot be
    read, the operator's last results stand for it. Nothing is written.

    Exit code: 0 when it is told, 1 for an invalid file or a cluster that cannot be read, 2 for wrong arguments.
    """
    found = run(_all(sources, place, address, operator_namespace, policies), None)
    told = [_with_time(each, spec, rate, number) for each, spec in found]
    screen = Screen.present()
    screen.show(to_json(told) if as_object else "\n\n".join(as_text(each, screen) for each in told))


async def _all(
    sources: tuple[str, ...],
    place: Place,
    address: str | None,
    operator_namespace: str,
    policies: Policies | None,
) -> Sequence[tuple[PlanFound, Spec]]:
    async with connected(place) as connection:
        objects = await file_objects(connection, sources, named=place.namespace is not None)
        own = await _own_registry(connection.api, operator_namespace)
        return [await _planned(each, connection.api, own, address, policies) for each in objects]


async def _own_registry(api: Api, namespace: str) -> str:
    """The operator's registry; "" where the caller may not read its Deployment, or it is not there."""
    try:
        found = await api.get(names.path(names.DEPLOYMENTS, namespace, OPERATOR))
    except PodiumError:
        return ""
    containers = found.get("spec", {}).get("template", {}).get("spec", {}).get("containers") or [{}]
    settings = {each["name"]: str(each.get("value") or "") for each in containers[0].get("env") or []}
    return settings.get("PODIUM_REGISTRY_URI", "")


async def _planned(
    each: FileObject, api: Api, own: str, address: str | None, policies: Policies | None
) -> tuple[PlanFound, Spec]:
    after = ModelDeploymentManifest.model_validate(written(each.applied.value)).spec
    before, status = _there(each)
    granted = await permission(api, policies, after, each.namespace, own)
    now = datetime.now(UTC)
    generation = int((each.there or {}).get("metadata", {}).get("generation") or 0)
    known = Planned(
        key=Key(each.namespace, each.name),
        generation=max(generation + bool(each.differences), 1),
        spec=after,
        before=before,
        status=status,
        observed=status.observed_generation == generation,
        registry=RegistryState(),
        registry_read=False,
        now=now,
        refusals=granted.refusals,
    )
    answer = await read(model_deployment(_object(each)), api, own, address=address)
    uri = answer.uri or (status.champion.registry if status.champion is not None else "")
    seen = outlook(with_registry(known, answer.found, uri))
    return _found(each, seen, answer, granted, same=before == after), after


def _found(each: FileObject, seen: Outlook, answer: Read, granted: Permission, *, same: bool) -> PlanFound:
    return PlanFound(
        namespace=each.namespace,
        name=each.name,
        new=each.there is None,
        same_meaning=same,
        differences=each.differences,
        kept=each.applied.kept,
        permission=granted,
        outlook=seen,
        registry=answer.uri,
        registry_problem=answer.problem,
        takes=None,
        not_simulated="",
    )


def _there(each: FileObject) -> tuple[Spec | None, Status]:
    """Spec and status as the cluster has them. Raises InputError where this version cannot read the status."""
    if each.there is None:
        return None, Status()
    md = model_deployment(_complete(each.there, each))
    if md.unreadable:
        raise InputError(f"this version of podium cannot read {each}: {md.flaw}")
    return md.spec, md.status


def _object(each: FileObject) -> Mapping[str, Any]:
    return _complete({**each.applied.value, "status": (each.there or {}).get("status")}, each)


def _complete(value: Mapping[str, Any], each: FileObject) -> Mapping[str, Any]:
    """With what the API server adds."""
    made = {"uid": "", "generation": 1, "resourceVersion": "", "creationTimestamp": None}
    return {**value, "metadata": {**made, **value["metadata"], "namespace": each.namespace}}


def _with_time(found: PlanFound, spec: Spec, rate: float, number: int) -> PlanFound:
    """With how long a trial takes, where a version takes steps."""
    if not found.outlook.steps or not number:
        return found
    try:
        simulated = Plan(spec, rate, assumed(spec.rollout.guards, _NO_SHARES), _LONGEST)
    except Contradiction as error:
        return replace(found, not_simulated=str(error))
    run_of = partial(trials, simulated, number=number, seed=1)
    good, bad = (figures(role, list(run_of(role))) for role in ("good", "bad"))
    return replace(found, takes=Takes(rate, number, good.to_promotion, bad.to_rollback))


if __name__ == "__main__":
    plan()
