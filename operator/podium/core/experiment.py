"""An experiment and the version that is next by it. Pure, and below everything that asks for the desired version.

The stages, each seen in the status:

1. The version of spec.model becomes champion, as ever.
2. *Gathering*: each arm in turn is the desired version, for as long as its gates are checked. Then it is pinned.
3. *Experimenting*: all arms run beside the champion, which is the desired version.
4. *Ended*: the best arm is the desired version, and is tried as any other. Where none is left, it is the champion.

An experiment with one arm is no experiment: the arm is the desired version.
"""

from collections.abc import Sequence

from podium.api.v1alpha1.experiment import Arm, ExperimentProgress
from podium.api.v1alpha1.spec.experiment import ExperimentArm
from podium.api.v1alpha1.spec.spec import Spec, arms_of
from podium.api.v1alpha1.status import Phase, Status
from podium.core.facts import Facts
from podium.core.fingerprints import Fingerprints, experiment_hash


def named_version(spec: Spec, status: Status) -> str | None:
    """The version that is desired; None for an alias."""
    wanted, known, left = spec.model.version, progress(spec, status), ungated(spec, status)
    arms = arms_of(spec)
    if len(arms) == 1:
        return arms[0].version
    if known is not None and known.ended_at is not None:
        return known.winner or wanted
    begins = known is not None or (status.phase is Phase.STABLE and serves_control(spec, status))
    return left[0].version if begins and left else wanted


def progress(spec: Spec, status: Status) -> ExperimentProgress | None:
    """How far the experiment has come that Git asks for; None before it begins, and without one."""
    known = status.experiment
    if known is None or len(arms_of(spec)) < 2 or known.experiment_hash != experiment_hash(spec):  # noqa: PLR2004
        return None
    return known


def ungated(spec: Spec, status: Status) -> Sequence[ExperimentArm]:
    """The arms whose gates are still to be checked, but for those that lost a trial, and those that are aborted."""
    gated = {arm.pinned.version for arm in status.arms} if progress(spec, status) is not None else set()
    return [arm for arm in arms_of(spec) if arm.version not in gated and not _kept_out(arm, spec, status)]


def gathers(facts: Facts) -> bool:
    """Whether the desired version is an arm whose gates are checked."""
    known = progress(facts.spec, facts.status)
    if known is None or known.started_at is not None or known.ended_at is not None:
        return False
    return bool(ungated(facts.spec, facts.status))


def judged(status: Status) -> Sequence[Arm]:
    """The arms that are compared with the champion now."""
    return [arm for arm in status.arms if arm.judged] if status.phase is Phase.EXPERIMENTING else []


def serves_control(spec: Spec, status: Status) -> bool:
    """Whether the version that the arms are compared with is champion."""
    champion = status.champion
    return champion is not None and champion.version == spec.model.version and champion.of_model(spec.model.name)


def _kept_out(arm: ExperimentArm, spec: Spec, status: Status) -> bool:
    abort = spec.rollout.abort
    if abort is not None and abort.template is None and abort.version == arm.version:
        return True
    lost = (each for each in status.rejected if each.version == arm.version and each.of_model(spec.model.name))
    return any(map(Fingerprints(spec).stands, lost))
