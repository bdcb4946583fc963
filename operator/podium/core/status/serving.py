"""Which version answers, in one sentence."""

from podium.core.facts import Facts, other_than
from podium.core.rollout.templates import described
from podium.core.traffic.lending import champion_down


def serving_text(facts: Facts) -> str:
    """Which version answers while none is on trial; "" without a champion."""
    champion = facts.status.champion
    if champion is None:
        return ""
    if not champion_down(facts):
        return f"champion {champion.version} serves"
    seen = facts.observed.slot(other_than(champion.slot))
    if seen.runs is None or not seen.ready(seen.runs):
        return f"champion {champion.version} has no ready pod, and no other version answers"
    down, answers = f"version {champion.version}", f"version {seen.runs.version}"
    if seen.runs.same_version(champion):
        down, answers = f"{down} with {described(champion.template)}", described(seen.runs.template)
    return f"{down} has no ready pod: {answers} keeps the traffic until it has one"
