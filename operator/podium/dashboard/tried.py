"""The trials of a "what if", in a process of their own: `python -m podium.dashboard.tried` reads JSON and writes JSON.

They are those of `podium simulate`: the same plan, the same seed, the same figures; of one version, which is called
good there. So many are made as there is time for.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from podium.api.v1alpha1.spec.spec import Spec
from podium.dashboard.trying import FEWEST, SEED
from podium.simulation.assumed import Contradiction, assumed
from podium.simulation.figures import Chance, Figures, Spread, figures
from podium.simulation.many import trials
from podium.simulation.population import Crowd
from podium.simulation.trial import Outcome, Plan

MOST: Final = 40  # trials
ENOUGH: Final = 10.0  # seconds, after which no further one begins
_MEMORY: Final = 256 * 1024 * 1024  # bytes; trials take a third of it
_NICER: Final = 10
_LONGEST: Final = timedelta(days=7)  # of a trial, in virtual time, as with `podium simulate`


def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """What comes of it. `asked`: `spec` as JSON, `rate` a second, `share`, `champion`, `users` (0: no crowd)."""
    spec, users = Spec.model_validate(asked["spec"]), int(asked["users"])
    said = assumed(spec.rollout.guards, {"champion": {"": asked["champion"]}, "good": {"": asked["share"]}})
    crowd = Crowd(users) if users else None
    plan = Plan(spec, asked["rate"], said, _LONGEST, crowd)
    found = figures("good", list(_in_time(plan)))
    guards = [(guard.name, said.good[guard.name], said.champion[guard.name]) for guard in spec.rollout.guards]
    return {"trials": found.promoted.trials, "guards": guards, **_said(found)}


def _in_time(plan: Plan) -> Iterator[Outcome]:
    """One trial after the other. Who waits too long for the first ones ends this process."""
    began = time.monotonic()
    for number, outcome in enumerate(trials(plan, "good", MOST, seed=SEED, workers=1), 1):
        yield outcome
        if number >= FEWEST and time.monotonic() - began > ENOUGH:
            return


def _said(found: Figures) -> Mapping[str, Any]:
    chances = ("promoted", "rolled_back", "rolled_back_later", "circumstances", "undecided")
    spreads = ("to_promotion", "to_rollback", "answers", "hit")
    return {name: _chance(getattr(found, name)) for name in chances} | {
        name: _spread(getattr(found, name)) for name in spreads
    }


def _chance(chance: Chance) -> tuple[float, float, float]:
    return chance.count / chance.trials, chance.low, chance.high


def _spread(spread: Spread | None) -> tuple[float, float] | None:
    return None if spread is None else (spread.median, spread.most)


def _within_bounds() -> None:
    """Little memory, and only what time of the processor others leave."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415  there is none on every platform

        os.nice(_NICER)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def main() -> None:
    """Answer one question."""
    _within_bounds()
    try:
        found = answer(json.load(sys.stdin))
    except Contradiction as error:
        found = {"problem": str(error)}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
