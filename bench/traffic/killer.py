"""Kills operators at random moments, by `kill -9`: none of them gets a chance to finish what it was at."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from demo.stage import kill_operator
from testbed.cluster import Cluster

PAUSE = (20.0, 60.0)  # seconds between two kills
NAMESPACE, SELECTOR = "--namespace=podium-system", "--selector=app.kubernetes.io/component=operator"


@dataclass
class Killer:
    """Kills one of the replicas, or all of them at once."""

    cluster: Cluster
    random: Random
    say: Callable[[str], None]
    kills: int = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self.random.uniform(*PAUSE))
            pods = await asyncio.to_thread(self._pods)
            chosen = pods if self.random.random() < 0.5 else pods[:1]
            await asyncio.to_thread(self._kill, chosen)
            self.kills += len(chosen)
            self.say(f"killed {len(chosen)} of {len(pods)} operators")

    def _pods(self) -> Sequence[str]:
        """In a random order."""
        found = self.cluster.get("pods", NAMESPACE, SELECTOR)["items"]
        names = sorted(pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"])
        return self.random.sample(names, len(names))

    def _kill(self, pods: Sequence[str]) -> None:
        """New pods take their place without waiting out a restart's backoff."""
        for pod in pods:
            kill_operator(self.cluster, pod)
        words = ("--force", "--grace-period=0", "--wait=false", "--ignore-not-found")
        if pods:
            self.cluster.kubectl("delete", "pods", NAMESPACE, *pods, *words)
