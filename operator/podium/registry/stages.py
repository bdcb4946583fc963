"""From MLflow's deprecated stages to aliases and the lifecycle.

The newest version in Production gets the champion's alias, and the newest in Staging the alias `staging`. Older ones in
Production, and Archived ones, are deprecated: MLflow archives whatever another version replaces, and that may come
back. What an alias or a tag says already stands: a person may have said it since. Stages themselves stay as they are.
https://mlflow.org/docs/latest/ml/model-registry/
"""

from collections.abc import Sequence
from typing import Final

from podium.core.version_lifecycle import TAG, Stage
from podium.registry.changes import Change, Left, Plan, Report
from podium.registry.registry import Registry
from podium.registry.versions import Version

STAGING: Final = "staging"  # the alias
_ALL: Final = 10_000  # models, and versions of one


def migrate_stages(registry: Registry, models: Sequence[str] = (), *, write: bool) -> Report:
    """Plan it for these models, or for all; and carry it out where asked. Raises what the registry raises."""
    plan = Plan()
    for model in models or [each.name for each in registry.models(most=_ALL)]:
        versions = registry.versions(model, most=_ALL, metrics=False)
        plan.looked_at += len(versions)
        _plan(plan, versions, registry.champion)
    if write:
        for change in plan.changes:
            carry_out(registry, change)
    return plan.report(written=write)


def carry_out(registry: Registry, change: Change) -> None:
    """Write one alias or tag."""
    if change.kind == "alias":
        registry.point(change.model, change.key, change.version)
    else:
        registry.set_tags(change.model, change.version, {change.key: change.value})


def _plan(plan: Plan, versions: Sequence[Version], champion: str) -> None:
    """All changes of one model; its versions come newest first."""
    taken = {alias for each in versions for alias in each.aliases}
    for stage, alias in (("Production", champion), ("Staging", STAGING)):
        there = [each for each in versions if each.mlflow_stage == stage]
        if there:
            _alias(plan, there[0], alias, stage, taken=alias in taken)
    production = [each for each in versions if each.mlflow_stage == "Production"]
    for each in versions:
        if each.mlflow_stage == "Staging":
            _tag(plan, each, Stage.STAGING)
        elif each.mlflow_stage == "Archived" or each in production[1:]:
            _tag(plan, each, Stage.DEPRECATED)


def _alias(plan: Plan, newest: Version, alias: str, stage: str, *, taken: bool) -> None:
    if alias in newest.aliases:
        return
    what = f"{newest.model} version {newest.number}, the newest in {stage}"
    if taken:
        plan.left.append(Left(what, f"alias {alias} points to another version already"))
    else:
        plan.changes.append(Change("alias", newest.model, newest.number, alias, why=f"the newest in {stage}"))


def _tag(plan: Plan, version: Version, stage: Stage) -> None:
    tagged = version.tags.get(TAG)
    if tagged == stage or version.stage is Stage.CHAMPION:
        return
    if tagged:
        what = f"{version.model} version {version.number}, in stage {version.mlflow_stage}"
        plan.left.append(Left(what, f"its lifecycle is {tagged} already"))
    else:
        plan.changes.append(Change("tag", version.model, version.number, TAG, stage, f"was in {version.mlflow_stage}"))
