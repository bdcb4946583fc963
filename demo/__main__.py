"""`python -m demo`: set the stage, play, sum up. The last line is one JSON object; the exit code says how it went.

With `--helm` the operator is installed by the chart, and the page for many visitors with it.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from demo import chart, registry, stage, story
from demo.cases import bodies
from demo.clients import Clients
from demo.repository import Repository
from demo.rollout import Seen, Watch
from demo.screen import Screen, shares
from demo.story import BAD, Play
from testbed import places
from testbed.cluster import Cluster
from testbed.errors import TestbedError

RATE = 50.0  # requests a second


def main() -> int:
    """Return 0 where every act went as told."""
    options = argparse.ArgumentParser(prog="python -m demo", description="A model's life on a real cluster.")
    options.add_argument("--helm", action="store_true", help="install by charts/podium, not by manifests/")
    by_helm: bool = options.parse_args().helm
    began = time.monotonic()

    def clock() -> float:
        return time.monotonic() - began

    screen = Screen(clock)
    screen.headline("The stage")
    try:
        cluster = set_stage(screen, by_helm=by_helm)
        play = asyncio.run(perform(cluster, screen, clock))
    except (TestbedError, RuntimeError, OSError) as error:
        screen.say(f"the demo ended early: {error}", "✗")
        return 1
    sum_up(play, screen)
    screen.plain(json.dumps(result(play, clock())))
    return 1 if play.broken else 0


def set_stage(screen: Screen, *, by_helm: bool = False) -> Cluster:
    """Start the cluster, MLflow and the operator, and register the models."""
    cluster, images = stage.build(screen.say, (*stage.IMAGES, *(("page",) if by_helm else ())))
    stage.clear(cluster, screen.say)
    stage.install_mlflow(cluster, images, screen.say)
    registry.forget(stage.MLFLOW_OUTSIDE, stage.MODEL)
    versions = stage.register_models(screen.say)
    screen.say(f"registered: {stage.MODEL} {', '.join(versions)}")
    if by_helm:
        chart.install(cluster, images, screen.say)
    else:
        stage.install_operator(cluster, images, screen.say)
    return cluster


async def perform(cluster: Cluster, screen: Screen, clock: Callable[[], float]) -> Play:
    """All four acts, with the clients at work from the first answer to the last."""
    watch = Watch(str(cluster.backend.kubectl()), os.environ | cluster.env, teller(screen))
    clients = Clients("127.0.0.1", stage.MODEL_PORT, bodies(), RATE, clock)
    repository = Repository(places.folder("demo") / "repository")
    repository.create()
    play, stop = Play(cluster, watch, clients, repository, screen), asyncio.Event()
    following = [asyncio.create_task(watch.run())]
    try:
        await story.first_deployment(play)
        traffic = asyncio.create_task(clients.run(stop))
        following += [traffic, asyncio.create_task(play.tell_traffic())]
        await story.better_version(play)
        await story.bad_version(play)
        await story.shadow_first(play)
        stop.set()
        await traffic
    except story.CutShort as cut:
        play.screen.say(str(cut), "✗")
    finally:
        for task in following:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    return play


def teller(screen: Screen) -> Callable[[Seen], None]:
    """Say what the status says, whenever the rollout has moved."""
    last: list[tuple[str, ...]] = []

    def told(seen: Seen) -> None:
        now = (seen.phase, seen.weight, seen.champion, seen.challenger)
        if now != (last[-1] if last else ()):
            last.append(now)
            screen.say(" ".join(filter(None, [f"{seen.phase:<11}", seen.weight, seen.message])), "▶")

    return told


def sum_up(play: Play, screen: Screen) -> None:
    """The same as the last line, for people, with what the words mean."""
    ledger, rollback = play.clients.ledger, play.clients.ledger.rollback(BAD)
    saved, bystanders = (rollback.saved, rollback.bystanders) if rollback else (0, 0)
    screen.headline("What came of it")
    screen.entry("champion", play.watch.seen.champion)
    screen.entry("rejected", ", ".join(play.watch.seen.rejected))
    screen.entry("requests", f"{ledger.requests} at {RATE:g}/s: {shares(ledger.by_version())}")
    screen.entry("failed", f"{len(ledger.failures)}; {saved} more that version {BAD} failed, the champion answered")
    screen.entry("failed during rollback", f"{bystanders} (not by version {BAD}, from the first that it failed on)")
    screen.entry("in the shadow", f"{play.met} users met version {BAD}")
    if rollback:
        screen.entry(
            "rollback", f"{rollback.seconds:.2f} s from the first request that version {BAD} failed to its last answer"
        )
    for truth in play.broken:
        screen.entry("NOT AS TOLD", truth)
    for trouble in sorted({answer.trouble for answer in ledger.failures if answer.trouble})[:5]:
        screen.entry("trouble", trouble)
    look_around(play, screen)


def look_around(play: Play, screen: Screen) -> None:
    """Tell what to look at, now that it runs."""
    kubectl = Path(play.cluster.env["PATH"].partition(":")[0])
    screen.headline("The cluster goes on running. Look around")
    screen.plain(f"export KUBECONFIG={play.cluster.kubeconfig} PATH={kubectl}:$PATH")
    screen.plain("kubectl get md -w")
    screen.plain("kubectl describe md churn")
    screen.plain(f"git -C {play.repository.folder} log --patch")
    screen.plain(f"MLflow: {stage.MLFLOW_OUTSIDE}")
    screen.plain(f"the model: http://127.0.0.1:{stage.MODEL_PORT}/invocations")
    screen.plain("take it all down: make cluster-down")
    screen.plain()


def result(play: Play, seconds: float) -> dict[str, object]:
    """The last line, for programs."""
    ledger, rollback = play.clients.ledger, play.clients.ledger.rollback(BAD)
    return {
        "champion": play.watch.seen.champion,
        "rejected": play.watch.seen.rejected,
        "requests": ledger.requests,
        "failed": len(ledger.failures),
        "saved_by_champion": rollback.saved if rollback else 0,
        "failed_during_rollback": rollback.bystanders if rollback else 0,
        "rollback_seconds": round(rollback.seconds, 2) if rollback else None,
        "shadow_users": play.met,
        "demo_seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
