"""What DESIGN promises, checked at every write of the operator: by what the world is, not by what the operator thinks.

Each check is a row: the write that it looks at, and what would be wrong. The numbers are DESIGN's.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase, Pinned, Status
from podium.core.actions import NO_OVERRIDES, RouteOverrides
from podium.core.analysis.guards import judge
from podium.core.experiment import named_version
from podium.core.facts import ALL, other_than
from podium.core.fingerprints import Fingerprints
from podium.core.status.readiness import condition_of
from podium.core.traffic.shares import share_pods
from podium.ports import ModelDeployment
from podium.simulation.world.faults import Call
from podium.simulation.world.pods import Pod
from podium.simulation.world.router import FakeRouter


class Watched(Protocol):
    """The world, as far as the promises look at it."""

    router: FakeRouter

    def md(self) -> ModelDeployment: ...
    def champions(self) -> set[str]: ...  # of all ModelDeployments of the model
    def verified(self, slot: Slot) -> int: ...
    def runs(self, slot: Slot) -> Pinned | None: ...
    def digest(self, version: str, model: str) -> str: ...
    def ready_pods(self, slot: Slot) -> list[Pod]: ...


@dataclass(frozen=True)
class Write:
    """A write that is about to happen."""

    world: Watched
    md: ModelDeployment  # as the operator knows it
    arguments: tuple[Any, ...]  # the others
    late: bool = False

    @property
    def creates_late(self) -> bool:
        """Whether it is decided on by a frozen leader, and makes a Deployment that others have deleted meanwhile.

        What is not there has no revision to be refused by. The world holds the leader to mending it.
        """
        return self.late and self.world.runs(self.arguments[0].slot) is None


Check = Callable[[Write], Iterator[str]]


def holds(kind: str, status: Status, generation: int) -> bool:
    """Whether the status says this of the generation."""
    found = condition_of(status, kind)
    return found is not None and found.status == "True" and found.observed_generation == generation


def _only_to_verified_pods(write: Write) -> Iterator[str]:
    weights: Mapping[Slot, int] = write.arguments[0]
    world, spec = write.world, write.md.spec
    before, status = world.router.weights(write.md), world.md().status
    # The way back asks for one ready pod only; in a soak it leads to the former champion, before the record says so.
    back = {pinned.slot for pinned in (status.champion, status.former) if pinned is not None}
    assert spec is not None
    if sum(weights.values()) != ALL:
        yield f"1: weights {weights} are not 100 %"
    for slot, weight in weights.items():
        if weight > before.get(slot, 0) and slot not in back:
            needed = spec.serving.size if weight == ALL else share_pods(weight, spec)
            if not world.ready_pods(other_than(slot)):
                needed = 1  # no other version can answer
            if world.verified(slot) < needed:
                yield f"1: {weight} % to slot {slot} with {world.verified(slot)} of {needed} verified pods"
        lent = status.phase is Phase.SOAKING and status.former is not None and status.former.slot == slot
        if lent and weight > before.get(slot, 0) and any(_contradicts(pod) for pod in world.ready_pods(slot)):
            yield f"1: {weight} % to slot {slot} of the former champion, where a pod says another digest"


def _contradicts(pod: Pod) -> bool:
    """Whether it says that it serves another digest than it was started for."""
    return not pod.behaviour.silent and pod.behaviour.digest not in {None, pod.pinned.digest}


def _testers_too(write: Write) -> Iterator[str]:
    weights: Mapping[Slot, int] = write.arguments[0]
    overrides: RouteOverrides = write.arguments[1] if len(write.arguments) > 1 else NO_OVERRIDES
    preview, users, router = overrides.preview, overrides.session_affinity, write.world.router
    if preview is not None and preview != router.overrides(write.md).preview and not write.world.verified(preview):
        yield f"1: testers to slot {preview} without a verified pod"
    if users is not None and users.weights[-1] != weights[users.challenger]:
        yield "1: users are not shared as requests are"


def _no_stop_under_traffic(write: Write) -> Iterator[str]:
    slot: Slot = write.arguments[0]
    router = write.world.router
    desired, (taken, overrides) = router.weights(write.md).get(slot, 0), router.taken(write.md)
    if (desired or taken.get(slot, 0)) and write.world.ready_pods(slot):
        yield f"1: slot {slot} is stopped while it has traffic: {desired} % desired, {taken.get(slot, 0)} % in force"
    if overrides.preview == slot:
        yield f"1: slot {slot} is stopped while testers reach it"


def _champion_is_kept(write: Write) -> Iterator[str]:
    slot, status = write.arguments[0], write.world.md().status
    if status.champion is not None and status.champion.slot == slot:
        yield f"2: the champion's slot {slot} is stopped"
    if status.phase is Phase.SOAKING and status.former is not None and status.former.slot == slot:
        yield f"2: the former champion's slot {slot} is stopped while its successor soaks"


def _champion_keeps_its_size(write: Write) -> Iterator[str]:
    pinned: Pinned = write.arguments[0]
    status, spec = write.world.md().status, write.md.spec
    champion = status.champion
    assert spec is not None
    takes_over = champion is not None and champion.slot == pinned.slot and champion.digest != pinned.digest
    if takes_over and not write.creates_late and not _trusted_in_place(pinned, status, spec):
        yield f"2: the champion's slot is to run version {pinned.version}"
    if pinned in _trusted(status) and write.arguments[1] < spec.serving.size:
        yield f"2: version {pinned.version} is scaled to {write.arguments[1]} of {spec.serving.size} pods"


def _trusted_in_place(pinned: Pinned, status: Status, spec: Spec) -> bool:
    """Whether Git asks for a former champion, and lets the champion's pods load it beside what they serve."""
    was_champion = any(entry.outcome == "Promoted" and entry.digest == pinned.digest for entry in status.history)
    named = spec.model.version in {None, pinned.version}
    return spec.serving.reload == "InPlace" and status.phase is Phase.RELOADING and was_champion and named


def _trusted(status: Status) -> list[Pinned]:
    """The champion, and in the soak the version to which traffic would return."""
    kept = (status.champion, status.former if status.phase is Phase.SOAKING else None)
    return [pinned for pinned in kept if pinned is not None]


def _trusted_keeps_its_template(write: Write) -> Iterator[str]:
    """Another template is on trial in the other slot, and so is another registry: neither reaches the way back."""
    pinned: Pinned = write.arguments[0]
    for trusted in _trusted(write.world.md().status):
        if trusted.slot == pinned.slot and trusted.template not in (None, pinned.template):
            yield f"7: version {pinned.version} gets another template than it is pinned to"
        if trusted.slot == pinned.slot and trusted.registry != pinned.registry:
            yield f"7: version {pinned.version} gets another registry than it is pinned to"


def _rejected_template_stays_rejected(write: Write) -> Iterator[str]:
    pinned: Pinned = write.arguments[0]
    status, spec = write.world.md().status, write.md.spec
    assert spec is not None
    if pinned in (status.champion, status.former) or pinned.template is None or write.creates_late:
        return
    for lost in status.rejected_templates:
        same = (lost.digest, lost.template.revision) == (pinned.digest, pinned.template.revision)
        if same and Fingerprints(spec).stands(lost):
            yield f"4: rejected template {lost.template.revision} is started again with version {lost.version}"


def _rejected_gets_nothing(write: Write) -> Iterator[str]:
    status: Status = write.arguments[0]
    if status.phase is not Phase.REJECTED or not status.rejected:
        return
    lost, world = status.rejected[-1], write.world
    asked = world.router.weights(write.md)  # a gateway may not have taken it
    for slot, share in world.router.in_force(write.md).items():
        runs, fit = world.runs(slot), world.ready_pods(other_than(slot))
        if share and asked.get(slot) and fit and runs and runs.digest == lost.digest and runs != status.champion:
            yield f"4: rejected version {lost.version} has {share} % of the traffic"


def _rejected_stays_rejected(write: Write) -> Iterator[str]:
    """Until Git says something new: the hash is over all that counts as new."""
    pinned: Pinned = write.arguments[0]
    status, spec = write.world.md().status, write.md.spec
    assert spec is not None
    if pinned in (status.champion, status.former) or write.creates_late:
        return
    for lost in status.rejected:
        if lost.digest == pinned.digest and Fingerprints(spec).stands(lost):
            yield f"4: rejected version {lost.version} is started again"


def _aborted_stays_out(write: Write) -> Iterator[str]:
    """For as long as Git names it. The first version is kept while no other one can answer."""
    pinned: Pinned = write.arguments[0]
    status, spec = write.world.md().status, write.md.spec
    assert spec is not None
    abort, champion = spec.rollout.abort, status.champion
    if abort is None or champion is None or pinned in (champion, status.former) or write.creates_late:
        return
    template = pinned.template.revision if pinned.template is not None and pinned.same_version(champion) else None
    of_model = pinned.of_model(abort.model or spec.model.name)
    if of_model and (abort.version, abort.template) == (pinned.version, template):
        yield f"4: aborted version {pinned.version} is started again"


def _no_promotion_over_a_failure(write: Write) -> Iterator[str]:
    """Whatever a person says."""
    status: Status = write.arguments[0]
    begins = status.phase is Phase.PROMOTING and write.world.md().status.phase is Phase.CANARY
    failed = [one.guard.name for one in judge(status.trial) if one.state == "Failed"] if begins and status.trial else []
    if failed:
        yield f"6: promoted over failed guards: {', '.join(failed)}"


def _pinned_stays(write: Write) -> Iterator[str]:
    status: Status = write.arguments[0]
    for pinned in (status.champion, status.challenger, status.former):
        if pinned is not None and pinned.digest != write.world.digest(pinned.version, pinned.model):
            yield f"7: version {pinned.version} is pinned to {pinned.digest}"


def _alias_is_the_champion(write: Write) -> Iterator[str]:
    """A late write cannot be refused: MLflow knows of no preconditions. The world holds the leader to mending it."""
    champions, version = write.world.champions(), write.arguments[3]
    if version not in champions and not write.late:
        yield f"8: the alias moves to {version}, the champion is {champions}"


def _ready_is_true(write: Write) -> Iterator[str]:
    status: Status = write.arguments[0]
    generation, spec, world = write.md.generation, write.md.spec, write.world
    held = [kind for kind in ("Ready", "Reconciling", "Stalled") if holds(kind, status, generation)]
    if len(held) != 1:
        yield f"10: exactly one of Ready, Reconciling and Stalled is expected, found {held}"
    if held == ["Ready"] and spec is not None and generation == world.md().generation:
        shares = world.router.in_force(write.md).items()
        served = {runs.version for slot, share in shares if share and (runs := world.runs(slot))}
        # An alias may have moved since it was read: then the champion is what it named.
        desired = named_version(spec, status) or (status.champion.version if status.champion else "")
        # A late write is taken where the status was refused to all others: the world holds the leader to mending it.
        if served != {desired} and not write.late:
            yield f"10: ready, and {served or 'nothing'} serves instead of version {desired}"


CHECKS: Final[Mapping[tuple[str, str], tuple[Check, ...]]] = {
    ("router", "route"): (_only_to_verified_pods, _testers_too),
    ("cluster", "stop_slot"): (_no_stop_under_traffic, _champion_is_kept),
    ("cluster", "run_slot"): (
        _champion_keeps_its_size,
        _trusted_keeps_its_template,
        _rejected_stays_rejected,
        _rejected_template_stays_rejected,
        _aborted_stays_out,
    ),
    ("cluster", "write_status"): (_rejected_gets_nothing, _no_promotion_over_a_failure, _pinned_stays, _ready_is_true),
    ("registry", "move_alias"): (_alias_is_the_champion,),
}


def broken_by(call: Call, world: Watched) -> list[str]:
    """The promises that this write would break."""
    found: list[str] = []
    for check in CHECKS.get((call.port, call.method), ()):
        md = call.arguments[0] if isinstance(call.arguments[0], ModelDeployment) else world.md()
        if md.key == world.md().key:
            arguments = call.arguments[1:] if md is call.arguments[0] else call.arguments
            found += check(Write(world, md, arguments, call.late))
    return found
