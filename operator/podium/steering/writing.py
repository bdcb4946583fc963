"""A change of a spec, written to the cluster."""

from collections.abc import Mapping
from typing import Any, Final

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.errors import Conflict
from podium.steering.change import CannotSteer, Change, Plan, Target, checked, merged, target
from podium.steering.git_owner import GitOwner

MANAGER: Final = "podium-cli"  # of the fields that a verb writes
_TRIES: Final = 10  # the operator writes the status meanwhile, each time with another resourceVersion


async def written(api: Api, found: Mapping[str, Any], plan: Plan, user: str = "") -> Change:
    """Patch what was read, and nothing newer: where another client wrote first, it is read and thought over again.

    What was asked for is what is done: another version, step or trial than at first is refused.
    Raises CannotSteer, AlreadySo, and the errors of `podium.errors`.
    """
    name = str(found["metadata"]["name"])
    path = names.path(names.MODEL_DEPLOYMENTS, str(found["metadata"]["namespace"]), name)
    first = target(found, name, user)
    change = asked = checked(plan, first)
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
            change = checked(plan, _the_same(first, target(found, name, user)))
            _refuse_another(asked, change, name)
        else:
            return change
    raise AssertionError("the last try returns or raises")


def _the_same(first: Target, now: Target) -> Target:
    if now.uid != first.uid:
        raise CannotSteer(
            f"{now.name} was not changed: it was deleted and made again meanwhile, by uid {now.uid}, expected "
            f"{first.uid}; do: look again"
        )
    return now


def _refuse_another(asked: Change, change: Change, name: str) -> None:
    """What another client wrote meanwhile may not change what is approved, aborted or promoted."""
    if change.done != asked.done:
        found = f"found that {change.done}"
    elif change.aim != asked.aim:
        found = f"found that it is about {change.aim or 'nothing more'}, expected {asked.aim or 'nothing more'}"
    else:
        return
    raise CannotSteer(
        f"{name} was not changed, for another client changed it meanwhile: expected that afterwards {asked.done}, "
        f"{found}; do: look again"
    )


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
