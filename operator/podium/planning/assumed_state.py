"""The cluster as the status says that it is: every version in its slot, its pods well, the weights in force. Pure.

What a file does follows from Git, the status and the registry. How pods are at this moment would only blur that, and
few who plan may read pods, Services and routes.
"""

from collections.abc import Mapping, Sequence

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase, Pinned, PodTemplate, Status
from podium.core.facts import ALL, ObservedState, PodState, RegistryState, SlotState, TrafficState
from podium.core.fingerprints import same_by_git, template_hash
from podium.core.identity import Identity
from podium.core.refusal import Refusal

OF_THIS_FILE = "of this file"  # the revision of a template that no pod has been made from yet
_AT_WORK = frozenset({Phase.CANARY, Phase.PROMOTING})


def assumed_state(
    status: Status, spec: Spec, registry: RegistryState, refusals: Sequence[Refusal] = ()
) -> ObservedState:
    """What an operator would observe."""
    weights = _weights(status)
    return ObservedState(
        registry=registry,
        slots={pinned.slot: _slot(pinned, spec) for pinned in _running(status)},
        traffic=TrafficState(desired=weights, current=weights, in_sync=True),
        template=template_of(status, spec),
        template_turn=True,
        refusals=tuple(refusals),
    )


def template_of(status: Status, spec: Spec) -> PodTemplate | None:
    """What pods would be made from: the template of a version that Git says the same of, or one of this file.

    None where the status does not say what its pods were made from. An operator's own defaults change nothing here.
    """
    templates = [pinned.template for pinned in status.pinned if pinned.template is not None]
    if not templates:
        return None
    wanted = template_hash(spec)
    same = next((known for known in reversed(templates) if same_by_git(known.spec_hash, wanted)), None)
    return same or PodTemplate(revision=OF_THIS_FILE, spec_hash=wanted, image=spec.serving.image or "")


def _running(status: Status) -> list[Pinned]:
    """The versions that have pods. One that is rolled back is taken to be stopped: that takes seconds."""
    challenger = status.challenger if status.phase in _AT_WORK else None
    return [each for each in (status.champion, status.former, challenger) if each is not None]


def _slot(pinned: Pinned, spec: Spec) -> SlotState:
    identity, size = Identity(pinned.version, pinned.digest), spec.serving.size
    name = f"slot-{pinned.slot}"
    pods = (PodState(f"{name}-{n}", f"{name}-{n}", pinned.version, True, identity) for n in range(size))
    return SlotState(runs=pinned, replicas=size, pods=tuple(pods))


def _weights(status: Status) -> Mapping[Slot, int]:
    champion, challenger = status.champion, status.challenger
    if challenger is not None and status.phase in _AT_WORK:
        share = status.weight.desired if status.weight is not None and status.phase is Phase.CANARY else ALL
        share = share if champion is not None else ALL
        rest: dict[Slot, int] = {champion.slot: ALL - share} if champion is not None else {}
        return {**rest, challenger.slot: share}
    return {champion.slot: ALL} if champion is not None else {}
