"""When the gateway sends a request again whose connection broke: while two versions run.

A pod that ends takes with it the requests that it has not answered. The fallback of the model server cannot help: the
pod that would send the request on is the one that is gone. Predictions change nothing, so the gateway may ask again,
and of two versions one has pods that answer. Nothing waits for it: no step, and no rollback.
"""

from collections.abc import Iterator

from podium.core.actions import AddRetries, RemoveRetries
from podium.core.facts import Facts
from podium.core.traffic.draining import losing
from podium.core.traffic.phase_targets import PHASE_TARGETS


def retries(facts: Facts) -> Iterator[AddRetries | RemoveRetries]:
    """What has to be done for the gateway's retries to be there just while two versions run."""
    found = facts.observed.traffic.retries
    if found is None:
        return
    if retries_wanted(facts) and not found.obstacle:
        if not found.up_to_date:
            yield AddRetries(f"{facts.status.phase}: {found.name} for requests that a pod takes with it")
    elif found.there:
        yield RemoveRetries(f"{facts.status.phase}: {found.name} is not needed any more")


def retries_wanted(facts: Facts) -> bool:
    """Whether two versions run, either of which may answer. It goes on until the one that lost has drained."""
    status = facts.status
    traffic = facts.spec.traffic
    if not traffic.exact or not traffic.retries.enabled or status.champion is None:
        return False
    if PHASE_TARGETS[status.phase].rests:
        return losing(facts) is not None
    return PHASE_TARGETS[status.phase].arms or status.challenger is not None or status.former is not None
