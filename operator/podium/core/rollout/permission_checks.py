"""The check of what PodiumPolicies grant, where a version is on its way to serve."""

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Verdict
from podium.core.facts import Facts
from podium.core.refusal import named


def not_permitted(facts: Facts) -> Verdict | None:
    """The policies grant no longer what Git asks for, or Git asks for more. The only version that answers is kept."""
    refusals = facts.observed.refusals
    if not refusals or facts.serves_alone:
        return None
    return Verdict(reason=reasons.NOT_PERMITTED, message=named(refusals))
