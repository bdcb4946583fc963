"""What is said of an alias that another ModelDeployment claims, or that this one cannot claim."""

from podium.api.v1alpha1 import reasons
from podium.core.alias_owner import owner_named
from podium.core.facts import Facts, Problem
from podium.core.rollout.alias import astray, may_write

_ANOTHER = "Set another alias in spec.registry.aliases.champion"


def alias_conflict_text(facts: Facts) -> str:
    """Whose the alias is, and what lets this one write it."""
    found, model = facts.observed.alias_conflict, facts.spec.model.name
    assert found is not None
    if not found.claim:
        return f"alias {found.alias} of {model} belongs to the older ModelDeployment {found.key}. {_ANOTHER}"
    return f"{_claimed(found.alias, found.claim, facts)}. {_ANOTHER}, or {_taken_over(found.claim, facts)}"


def claim_problem(facts: Facts) -> Problem | None:
    """Why the alias stays where it is, though nothing else keeps it there."""
    claim, alias = facts.observed.registry.claim, facts.spec.registry.aliases.champion
    if claim is None or may_write(facts) or not astray(facts):
        return None
    if claim and not facts.observed.claim_void and facts.observed.alias_conflict is None:
        return Problem(reasons.ALIAS_CONFLICT, f"{_claimed(alias, claim, facts)}. {_taken_over(claim, facts)}")
    if not facts.observed.alias_owner:
        message = (
            f"alias {alias} of {facts.spec.model.name} is not written: Podium does not know which cluster this is. "
            "Apply manifests/rbac.yaml, or set PODIUM_CLUSTER_ID"
        )
        return Problem(reasons.REGISTRY_ERROR, message)
    return None


def _claimed(alias: str, claim: str, facts: Facts) -> str:
    """By whom. What is no claim of Podium's is not repeated."""
    owner = owner_named(claim)
    by = f"ModelDeployment {owner.key} of cluster {owner.cluster}" if owner else "a tag that Podium cannot read"
    return f"alias {alias} of {facts.spec.model.name} is claimed in the registry by {by}"


def _taken_over(claim: str, facts: Facts) -> str:
    owner = owner_named(claim)
    if owner is None:
        return "delete its tag podium.dev/alias-owner in the registry"
    if owner.cluster == facts.observed.alias_owner.partition("/")[0]:
        return f"delete ModelDeployment {owner.key}, or have it name another one"
    return f"if that one is to write it no more, set spec.registry.takeOverFrom: {owner}"
