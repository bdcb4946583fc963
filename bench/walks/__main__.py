"""Takes all walks beside each other: progress on stderr, and one JSON object as the last line of stdout."""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from bench.walks.ground import Ground
from bench.walks.steps import steps
from bench.walks.walker import Tally, Walker
from demo import registry, stage
from testbed.cluster import Cluster

MODEL, OTHER = "bench-walks", "bench-walks-other"
FIRST_PORT = stage.MODEL_PORT


def main() -> int:
    """Walk, and print the figures; JSON on the last line. Returns 1 where something was violated."""
    chosen = _options()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    cluster = _build(say)
    with _grounds(cluster, chosen.walks) as grounds:
        walks = [Walker(cluster, ground, say) for ground in grounds]
        tallies = asyncio.run(_all(walks, chosen))
    result = summary(tallies) | {"seconds": round(time.monotonic() - began), "seed": chosen.seed}
    print(json.dumps(result))
    return 1 if result["violations"] else 0


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="bench.walks", description=__doc__)
    options.add_argument("--steps", type=int, default=300, help="of all walks together (default: %(default)s)")
    options.add_argument("--walks", type=int, default=3, help="beside each other (default: %(default)s)")
    options.add_argument("--seed", type=int, default=1, help="of the first walk; the next ones have the next seeds")
    return options.parse_args()


def _build(say: Callable[[str], None]) -> Cluster:
    """Cluster, MLflow with both models and all their versions, and the operator."""
    cluster, images = stage.build(say)
    stage.install_mlflow(cluster, images, say)
    for model in (MODEL, OTHER):
        registry.forget(stage.MLFLOW_OUTSIDE, model)
    stage.register_models(say, "bench.walks.models", MODEL, OTHER)
    stage.install_operator(cluster, images, say)
    stage.grant_everything(cluster)
    return cluster


@contextmanager
def _grounds(cluster: Cluster, walks: int) -> Iterator[list[Ground]]:
    """A namespace and a port for each walk. The namespaces are new, and removed afterwards."""
    grounds = [Ground(MODEL, OTHER, f"walk-{number}", FIRST_PORT + number) for number in range(walks)]
    for ground in grounds:
        cluster.kubectl("delete", "namespace", ground.namespace, "--ignore-not-found", timeout=300)
        cluster.kubectl("create", "namespace", ground.namespace)
    try:
        yield grounds
    finally:
        cluster.kubectl("delete", "namespace", *(ground.namespace for ground in grounds), "--wait=false")


async def _all(walks: Sequence[Walker], chosen: argparse.Namespace) -> list[Tally]:
    each, more = divmod(chosen.steps, len(walks))
    lengths = [each + (number < more) for number in range(len(walks))]
    return await asyncio.gather(
        *(
            walker.walk(islice(steps(walker.ground, chosen.seed + number), length))
            for number, (walker, length) in enumerate(zip(walks, lengths, strict=True))
        )
    )


def summary(tallies: Sequence[Tally]) -> dict[str, Any]:
    """The figures of all walks together."""
    ends, reasons = Counter[str](), Counter[str]()
    for tally in tallies:
        ends.update(tally.ends)
        reasons.update(tally.reasons)
    violations = [each for tally in tallies for each in tally.violations]
    return {
        "steps": sum(ends.values()),
        **{kind: ends[kind] for kind in ("ready", "stalled", "paused", "refused", "unended")},
        "violations": len(violations),
        "requests": sum(tally.requests for tally in tallies),
        "own_failures": sum(tally.own_failures for tally in tallies),
        "reasons": dict(reasons.most_common()),
        "found": violations,
    }


if __name__ == "__main__":
    sys.exit(main())
