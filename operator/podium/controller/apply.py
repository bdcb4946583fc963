"""All writes: one match on the action. What fails is said; the rest is still tried where order is not safety."""

import logging
from collections.abc import Sequence
from typing import assert_never

from podium.controller.observe import Ports
from podium.core.actions import (
    Action,
    AskWebhook,
    Hold,
    LetGo,
    MoveAlias,
    OnCluster,
    Route,
    RunAutoscaler,
    RunJob,
    RunSlot,
    StopAutoscaler,
    StopSlot,
    WriteRecord,
    WriteTags,
)
from podium.errors import PodiumError
from podium.ports import Cluster, ModelDeploymentSeen

_log = logging.getLogger(__name__)


async def apply(
    actions: Sequence[Action], seen: ModelDeploymentSeen, ports: Ports, *, routed: bool = True
) -> tuple[PodiumError, ...]:
    """Carry the actions out in order. Returns what failed.

    A slot is not stopped after traffic could not be moved (`routed` says whether it could before): it may still carry
    some. Everything else is independent: pods that a quota refuses must not keep traffic from going back, nor a refused
    Service keep pods from starting.
    """
    failures: list[PodiumError] = []
    for action in actions:
        if isinstance(action, StopSlot) and not routed:
            _log.warning("slot %s is not stopped: traffic could not be moved first", action.slot)
            continue
        try:
            await _carry_out(action, seen, ports)
        except PodiumError as error:
            routed = routed and not isinstance(action, Route)
            failures.append(error)
            _log.error("not done (%s): %s", action.why, error)
    return tuple(failures)


async def _carry_out(action: Action, seen: ModelDeploymentSeen, ports: Ports) -> None:
    match action:
        case Route():
            await ports.router.route(seen, action.weights, action.detours)
        case RunSlot() | StopSlot() | RunAutoscaler() | StopAutoscaler() | Hold() | LetGo():
            await _on_cluster(action, seen, ports.cluster)
        case RunJob():
            await ports.jobs.run(seen, action)
        case AskWebhook():
            ports.webhooks.ask(seen, action)  # in the background, too
        case MoveAlias() | WriteTags() | WriteRecord():
            return  # left at the registry's desk, all together: they are carried out in the background
        case _:
            assert_never(action)
    _log.info("done: %s", action.why)


async def _on_cluster(action: OnCluster, seen: ModelDeploymentSeen, cluster: Cluster) -> None:
    match action:
        case RunSlot():
            await cluster.run_slot(seen, action.pinned, action.replicas)
        case StopSlot():
            await cluster.stop_slot(seen, action.slot)
        case RunAutoscaler():
            await cluster.run_autoscaler(seen)
        case StopAutoscaler():
            await cluster.stop_autoscaler(seen)
        case Hold():
            await cluster.hold(seen)
        case LetGo():
            await cluster.let_go(seen)
        case _:
            assert_never(action)
