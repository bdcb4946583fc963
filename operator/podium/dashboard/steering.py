"""What viewers may do, and what they did: asked of the API server, which decides, with the caller's own rights."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.api.v1alpha1.manifest import GROUP
from podium.dashboard.buttons import Verb, planned
from podium.dashboard.kept import Place
from podium.errors import PodiumError
from podium.steering.caller import caller
from podium.steering.change import AlreadySo, CannotSteer, checked, target
from podium.steering.git_owner import git_owner
from podium.steering.writing import follows, refusal, written

REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_FRESH: Final = 60.0  # seconds for which an answer of the API server holds
_VERB, _RESOURCE = "patch", "modeldeployments"


@dataclass(frozen=True)
class Outcome:
    """What came of pressing a button. `patch` is YAML, where Git owns the object and nothing was written."""

    done: bool
    message: str
    next: str = ""
    patch: str = ""


class Steering:
    """The verbs against one API server."""

    def __init__(self, api: Api, now: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._now = now
        self._rights: dict[str, tuple[float, str]] = {}  # by namespace: when it was asked, and what is missing

    def missing(self, place: Place) -> str:
        """The right that the viewer lacks, as far as it was asked; "" for none."""
        known = self._rights.get(place.namespace)
        return known[1] if known is not None else "whether you may change it is not known yet: reload the page"

    async def learn(self, place: Place) -> None:
        """Ask the API server, unless that was done a moment ago."""
        known = self._rights.get(place.namespace)
        if known is None or self._now() - known[0] > _FRESH:
            self._rights[place.namespace] = self._now(), await self._review(place)

    async def press(self, place: Place, verb: Verb, form: Mapping[str, str]) -> Outcome:
        """Carry a verb out; where Git owns the object, only if the form says `force`."""
        path = names.path(names.MODEL_DEPLOYMENTS, place.namespace, place.name)
        try:
            plan, found = planned(verb, form), await self._api.get(path)
            user, owner = await caller(self._api) if verb.verdict else "", git_owner(found)
            if owner is not None and "force" not in form:
                patch = checked(plan, target(found, place.name, user)).patch
                return Outcome(done=False, message=refusal(place.name, owner), patch=_yaml(patch))
            change = await written(self._api, found, plan, user)
        except AlreadySo as known:
            return Outcome(done=True, message=f"nothing to do: {known}")
        except CannotSteer as error:
            return Outcome(done=False, message=str(error))
        except PodiumError as error:
            return Outcome(done=False, message=f"could not change {place.name}: {error}")
        return Outcome(done=True, message=change.done, next=follows(change, owner))

    async def _review(self, place: Place) -> str:
        # https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-access-review-v1/
        asked = {"namespace": place.namespace, "verb": _VERB, "group": GROUP, "resource": _RESOURCE}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        try:
            answer = await self._api.create(REVIEWS, body)
        except PodiumError as error:
            return f"could not ask whether you may change it: {error}"
        if (answer.get("status") or {}).get("allowed") is True:
            return ""
        return f"you lack the right to {_VERB} {_RESOURCE}.{GROUP} in namespace {place.namespace}"


def _yaml(patch: Mapping[str, Any]) -> str:
    return yaml.safe_dump({"spec": dict(patch)}, sort_keys=False, allow_unicode=True)
