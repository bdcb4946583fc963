"""All writes: one match on the action. What fails is said; the rest is still tried where order is not safety.

Each write of traffic or pods carries the revision that was observed. Where another one is there by now, such as after
a freeze for longer than the Lease, the write fails with Conflict, and all is decided again.
"""

import logging
from collections.abc import Sequence
from math import inf
from typing import assert_never

from podium.controller.workers import Workers
from podium.core.actions import (
    Action,
    AddFinalizer,
    AddRetries,
    CallWebhook,
    ClaimAlias,
    MoveAlias,
    OnCluster,
    RemoveFinalizer,
    RemoveRetries,
    RenewPods,
    RunAutoscaler,
    RunJob,
    RunSlot,
    SetTraffic,
    StopAutoscaler,
    StopSlot,
    TellPods,
    WriteRecord,
    WriteTags,
)
from podium.core.facts import ObservedState
from podium.errors import Conflict, PodiumError
from podium.ports import Cluster, ModelDeployment, Ports

_log = logging.getLogger(__name__)


async def apply(
    actions: Sequence[Action],
    md: ModelDeployment,
    ports: Ports,
    workers: Workers,
    observed: ObservedState,
    *,
    routed: bool = True,
    until: float = inf,
) -> tuple[Exception, ...]:
    """Carry the actions out in order. Returns what failed.

    Raises Conflict where an action would begin after `until`, on the monotonic clock: what it was decided on may be
    old by then, and another process may lead. Raises Conflict, too, where one found another revision than was observed,
    after the others were tried.

    A slot is not stopped after traffic could not be moved (`routed` says whether it could before): it may still carry
    some. Everything else is independent: pods that a quota refuses must not keep traffic from going back, nor a refused
    Service keep pods from starting.
    """
    failures: list[Exception] = []
    outdated: Conflict | None = None
    for action in actions:
        if ports.clock.monotonic() > until:
            raise Conflict(f"{md.key}: decided too long ago to be carried out ({action.why})")
        if isinstance(action, StopSlot) and not routed:
            _log.warning("slot %s not stopped: its traffic could not be moved first", action.slot)
            continue
        try:
            await _carry_out(action, md, ports, workers, observed)
        except Conflict as error:
            routed, outdated = routed and not isinstance(action, SetTraffic), error
        except Exception as error:  # noqa: BLE001  a fault of Podium in one action must not hold the others back
            routed = routed and not isinstance(action, SetTraffic)
            failures.append(error)
            known = isinstance(error, PodiumError)  # says all that is needed
            _log.error("action failed (%s): %s", action.why, error, exc_info=None if known else error)
    if outdated is not None:
        raise outdated
    return tuple(failures)


async def _carry_out(
    action: Action, md: ModelDeployment, ports: Ports, workers: Workers, observed: ObservedState
) -> None:
    match action:
        case SetTraffic():
            await ports.router.route(md, action.weights, action.overrides, action.trial, observed.traffic.revision)
        case AddRetries():
            await ports.router.add_retries(md)
        case RemoveRetries():
            await ports.router.remove_retries(md)
        case (
            RunSlot()
            | TellPods()
            | RenewPods()
            | StopSlot()
            | RunAutoscaler()
            | StopAutoscaler()
            | AddFinalizer()
            | RemoveFinalizer()
        ):
            await _on_cluster(action, md, ports.cluster, observed)
        case RunJob():
            await ports.jobs.run(md, action)
        case CallWebhook():
            workers.webhooks.ask(md, action)  # in the background, too
        case ClaimAlias() | MoveAlias() | WriteTags() | WriteRecord():
            return  # left at the registry's session, all together: they are carried out in the background
        case _:
            assert_never(action)
    _log.info("done: %s", action.why)


async def _on_cluster(action: OnCluster, md: ModelDeployment, cluster: Cluster, observed: ObservedState) -> None:
    match action:
        case RunSlot():
            await cluster.run_slot(md, action.pinned, action.replicas, observed.slot(action.pinned.slot).revision)
        case TellPods():
            await cluster.tell_pods(md, action.pinned, action.pods)
        case RenewPods():
            await cluster.renew_pods(md, action.pinned, action.mark)
        case StopSlot():
            await cluster.stop_slot(md, action.slot, observed.slot(action.slot).revision)
        case RunAutoscaler():
            await cluster.run_autoscaler(md)
        case StopAutoscaler():
            await cluster.stop_autoscaler(md)
        case AddFinalizer():
            await cluster.add_finalizer(md)
        case RemoveFinalizer():
            await cluster.remove_finalizer(md)
        case _:
            assert_never(action)
