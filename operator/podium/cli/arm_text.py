"""One arm of an experiment in one line."""

import click

from podium.api.v1alpha1.values.base import format_percent
from podium.core.printable import plain
from podium.core.status.explained_arms import ArmExplanation

_COLOURS = {"Challenger": "yellow", "Best": "green", "Beaten": "yellow", "Out": "red"}


def arm_text(arm: ArmExplanation) -> str:
    """Its version, role and weight, what it answered, and why it is out."""
    head = f"version {plain(arm.version)}  {click.style(arm.role, fg=_COLOURS.get(arm.role))}  slot {plain(arm.slot)}"
    parts = [head]
    if arm.role == "Challenger":
        parts.append(f"{arm.weight}% of the traffic")
    if arm.answers:
        parts.append(f"{arm.answers:,} answers, {arm.bad:,} bad")
    if arm.good is not None and arm.counted:
        parts.append(f"metric {format_percent(round(arm.good / arm.counted, 4))} of {arm.counted:,}")
    if arm.reason:
        parts.append(f"{plain(arm.reason)}: {plain(arm.message)}")
    return ", ".join(parts)
