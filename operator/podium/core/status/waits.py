"""What a version waits for before its next trial, in one sentence."""

from podium.api.v1alpha1.outage import SharedOutage
from podium.api.v1alpha1.status import Hold
from podium.api.v1alpha1.values.base import format_time
from podium.core.facts import Facts
from podium.core.rollout.circumstances import wait


def held_until(hold: Hold) -> str:
    """What is in the way, and when the version is tried again."""
    at = format_time((hold.since + wait(hold)).replace(microsecond=0))
    tried = f"trial {hold.attempts} ended" if hold.attempts > 1 else "its trial ended"
    return (
        f"version {hold.version} is held, {tried}, the next one begins at {at} or once the spec changes: {hold.message}"
    )


def outage_passes(outage: SharedOutage, facts: Facts) -> str:
    """Which guards the champion has to pass again."""
    champion = facts.status.champion
    names = ", ".join(guard.name for guard in outage.guards)
    who = f"champion {champion.version}" if champion else "the champion"
    return f"shared outage: the trial restarts once {who} passes {names} again: {outage.message}"
