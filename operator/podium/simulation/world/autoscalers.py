"""The HorizontalPodAutoscalers of the simulated cluster, and an API server that refuses them while it is told to."""

from podium.api.v1alpha1 import reasons
from podium.core.facts import AutoscalerState, Key, Problem
from podium.errors import NotFound, Rejected
from podium.ports import ModelDeployment


class FakeAutoscalers:
    """One for each ModelDeployment at the most."""

    def __init__(self) -> None:
        self.refused = ""  # why, while the API server refuses them
        self._made: dict[Key, tuple[str, str]] = {}  # by ModelDeployment: its uid, and what was asked for
        self._refusals: dict[Key, Problem] = {}

    def observe(self, md: ModelDeployment) -> AutoscalerState:
        """What is there, and whether it is what the spec says."""
        desired = md.spec.serving.autoscaling if md.spec else None
        uid, found = self._made.get(md.key, ("", ""))
        there = uid == md.uid
        current = there and desired is not None and found == desired.model_dump_json()
        if current or desired is None:
            self._refusals.pop(md.key, None)
        return AutoscalerState(there=there, up_to_date=current, problem=self._refusals.get(md.key))

    def run(self, md: ModelDeployment, *, foreign: bool) -> None:
        """Make it as the spec says. Raises Rejected while they are refused, or its name belongs to another owner."""
        if md.spec is None or md.spec.serving.autoscaling is None:
            raise NotFound(f"{md.key}: cannot scale, {md.flaw}")
        reason = reasons.NAME_CONFLICT if foreign else reasons.AUTOSCALER_REJECTED if self.refused else ""
        if reason:
            error = Rejected(f"HorizontalPodAutoscaler {md.key}: {self.refused}", reason=reason)
            self._refusals[md.key] = Problem(reason, str(error))
            raise error
        self._refusals.pop(md.key, None)
        self._made[md.key] = md.uid, md.spec.serving.autoscaling.model_dump_json()

    def stop(self, md: ModelDeployment) -> bool:
        """Delete it. Returns whether it was there."""
        there = self._made.get(md.key, ("", ""))[0] == md.uid
        if there:
            del self._made[md.key]
        return there

    def forget(self, key: Key) -> None:
        """It is garbage-collected with its ModelDeployment."""
        self._made.pop(key, None)
