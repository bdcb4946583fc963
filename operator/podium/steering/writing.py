"""A change of a spec, written to the cluster."""

from collections.abc import Mapping
from typing import Any, Final

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.errors import Conflict
from podium.steering.change import Change, Plan, checked, merged, target
from podium.steering.git_owner import GitOwner

MANAGER: Final = "podium-cli"  # of the fields that a verb writes
_TRIES: Final = 10  # the operator writes the status meanwhile, each time with another resourceVersion


async def written(api: Api, found: Mapping[str, Any], plan: Plan, user: str = "") -> Change:
    """Patch what was read, and nothing newer: where another client wrote first, it is read and thought over again.

    Raises CannotSteer, AlreadySo, and the errors of `podium.errors`.
    """
    name = str(found["metadata"]["name"])
    path = names.path(names.MODEL_DEPLOYMENTS, str(found["metadata"]["namespace"]), name)
    change = checked(plan, target(found, name, user))
    for last in range(_TRIES - 1, -1, -1):
        body = {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}, "spec": dict(change.patch)}
        try:
            await api.merge(path, body, manager=MANAGER)
        except Conflict:
            if not last:
                raise
            found = await api.get(path)
            if merged(found["spec"], change.patch) == found["spec"]:  # a try whose answer was lost
                return change
            change = checked(plan, target(found, name, user))
        else:
            return change
    raise AssertionError("the last try returns or raises")


def follows(change: Change, owner: GitOwner | None) -> str:
    """What happens next, also where Git owns the object and the change was written all the same."""
    if owner is None:
        return change.follows
    return f"{change.follows}. {owner} owns the object: what Git says of these fields comes back {owner.comes_back}"


def refusal(name: str, owner: GitOwner) -> str:
    """Why nothing is written where Git owns the object."""
    return (
        f"{name} was not changed: {owner} owns it. What Git says of these fields would come back "
        f"{owner.comes_back}, and what Git does not say would be known to the cluster alone. The patch:"
    )
