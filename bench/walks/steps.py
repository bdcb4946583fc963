"""The steps of a walk, drawn by a seed: the same seed gives the same walk, whatever the cluster makes of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from bench.walks.changes import CHANGES, MEND, Change, ill
from bench.walks.draft import Draft, Spec, base, put
from bench.walks.ground import Ground
from bench.walks.mistakes import MISTAKES

INVALID: Final = 0.25  # share of the steps
HURRIED: Final = 0.3  # share of the valid steps that are two commits
LEAD: Final = 12.0  # seconds between the two, at the most: the first one's rollout is anywhere then
MENDS: Final = (0.1, 0.4)  # chance that a valid step mends all: at other times, and while something is in the way


@dataclass(frozen=True)
class Step:
    """What is applied, and what Git, the registry and the namespace say then."""

    kind: str
    spec: Spec
    draft: Draft  # the one before, where the API server must refuse the spec
    refused: bool = False
    first: Draft | None = None  # a commit that is not waited for
    lead: float = 0.0  # seconds from that commit to the step's own


def steps(ground: Ground, seed: int) -> Iterator[Step]:
    """A walk without end. The first step makes a good version champion."""
    random, draft = Random(seed), Draft(ground, base(ground))
    yield Step("first", draft.spec, draft)
    while True:
        step = _mistake(draft, random) if random.random() < INVALID else _valid(draft, random)
        draft = step.draft
        yield step


def _valid(draft: Draft, random: Random) -> Step:
    """One change, or another one in the middle of its rollout."""
    step = _change(draft, random)
    if random.random() >= HURRIED:
        return step
    second = _change(step.draft, random)
    kind = f"{step.kind}+{second.kind}"
    return replace(second, kind=kind, first=step.draft, lead=round(random.uniform(0, LEAD), 1))


def _change(draft: Draft, random: Random) -> Step:
    change = MEND if random.random() < MENDS[ill(draft)] else _drawn(random)
    after = change.apply(draft, random)
    return Step(change.kind, after.spec, after)


def _drawn(random: Random) -> Change:
    return random.choices(CHANGES, [change.often for change in CHANGES])[0]


def _mistake(draft: Draft, random: Random) -> Step:
    mistake = random.choice(random.choice(MISTAKES))
    return Step(mistake.kind, put(draft.spec, mistake.path, mistake.value), draft, refused=True)
