"""Tests a challenger beside its champion, block by block; both may get worse together without a verdict against it.

The totals of the two must never be compared: if the challenger's share of the traffic rises during an outage that hits
both, most of its answers fall into the outage and most of the champion's do not (Simpson's paradox). Within one block
both live under the same circumstances. So each block has its own e-variable (`projection`), whatever the champion's
share in it is, and the wealth is their product.

What is bet on comes from earlier blocks only: the champion's share as it was lately, and challengers that are worse
than it by some odds, or as bad as this challenger was so far. The bets begin at every answer (`bets`), as against a
limit.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log
from typing import Self

from podium.core.analysis.sequential import bets
from podium.core.analysis.sequential.alternatives import worse_than
from podium.core.analysis.sequential.judgement import TestVerdict, check_counts, judgement
from podium.core.analysis.sequential.projection import log_e_variable

WORSE = 7  # fixed alternatives, after one that is learned
ALTERNATIVES = WORSE + 1
AT_ONCE = 0.75  # of the capital is for the start at the first answer: most faults are there from the beginning
GOOD = 3  # alternatives for "holds"
RECENT = 5000.0  # answers of the champion that its share is learned from: an outage has to be forgotten
GUESS = (0.5, 50.0)  # bad and good answers that the champion is taken to have given before the first block
LEARNING = 10  # answers that the first guess of the challenger's share is worth
HOPELESS = 0.95  # where the champion fails this often, no challenger is measurably worse
SMALLEST, LARGEST = 2, 1000  # a block is complete at this harmonic size, or at this many answers whoever gave them


@dataclass(frozen=True)
class Block:
    """Answers of both, given under the same circumstances."""

    challenger_bad: int = 0
    challenger_good: int = 0
    champion_bad: int = 0
    champion_good: int = 0

    def __add__(self, other: "Block") -> "Block":
        return Block(
            self.challenger_bad + other.challenger_bad,
            self.challenger_good + other.challenger_good,
            self.champion_bad + other.champion_bad,
            self.champion_good + other.champion_good,
        )

    @property
    def complete(self) -> bool:
        """Whether there is something to compare. Decided by how many answers there are, never by what they are.

        A block to which one side gave no answer compares nothing, and is let go after 1,000 answers: by then the
        circumstances may have changed. n1 n0 / (n1 + n0) is what two samples are worth together; below 2 the chance
        ratio of the two sizes costs a fifth of the evidence (one answer a reconcile), above it a tenth or less.
        """
        challenger, champion = self.challenger_bad + self.challenger_good, self.champion_bad + self.champion_good
        both = challenger + champion
        return challenger * champion >= SMALLEST * both > 0 or both >= LARGEST

    def log_e_variable(self, challenger: float, champion: float, margin: float) -> float:
        """What a bet on these two shares gains from this block, in nats."""
        bad, good = (self.challenger_bad, self.champion_bad), (self.challenger_good, self.champion_good)
        return log_e_variable((challenger, champion), bad, good, margin)


@dataclass(frozen=True)
class ChampionTestState:
    """The state between two reconciles: plain numbers, for a status."""

    bad: int = 0  # of the challenger, in complete blocks
    good: int = 0
    champion_bad: float = GUESS[0]  # of the champion, lately
    champion_good: float = GUESS[1]
    pending: Block = Block()  # not complete yet
    worse: tuple[float, ...] = bets.opening(ALTERNATIVES, AT_ONCE)  # wealth of the bets that it is worse, in nats
    no_worse: tuple[float, ...] = (-log(GOOD),) * GOOD  # and of those that it is not
    failed: bool = False  # was proved once


@dataclass(frozen=True)
class AgainstChampion:
    """A test of the difference to the champion. It fails wrongly with chance at most alpha, passes so with beta."""

    margin: float
    alpha: float
    beta: float
    state: ChampionTestState = ChampionTestState()

    def see(self, challenger_bad: int, challenger_good: int, champion_bad: int, champion_good: int) -> Self:
        """The test after one more block."""
        block = Block(challenger_bad, challenger_good, champion_bad, champion_good)
        check_counts(**vars(block))
        pending = self.state.pending + block
        if not pending.complete:
            return replace(self, state=replace(self.state, pending=pending))
        return replace(self, state=self._learned(pending, self._bet(pending)))

    @property
    def verdict(self) -> TestVerdict:
        """What is proved so far."""
        return judgement(failed=self.state.failed, passed=self.log_passed >= -log(self.beta))

    @property
    def log_failed(self) -> float:
        """Wealth of the bets that it is worse, in nats: failed once it has reached -log(alpha)."""
        return bets.log_total(self.state.worse)

    @property
    def log_passed(self) -> float:
        """Wealth of the bets that it is not, in nats: passed while it is at least -log(beta)."""
        return bets.log_total(self.state.no_worse)

    @property
    def champion(self) -> float:
        """The champion's share of bad answers lately, with a first guess mixed in."""
        return self.state.champion_bad / (self.state.champion_bad + self.state.champion_good)

    def _bet(self, block: Block) -> ChampionTestState:
        """The wealth after the block, bet on what was known before it."""
        state, champion = self.state, self.champion
        base = champion + self.margin
        if base >= HOPELESS:
            return state
        gains = [block.log_e_variable(share, champion, self.margin) for share in self._worse(base)]
        before, answers = state.bad + state.good, block.challenger_bad + block.challenger_good
        worse = bets.settled(state.worse, gains, bets.starts_within(before, before + answers, AT_ONCE))
        no_worse = tuple(
            wealth + block.log_e_variable(share, champion, self.margin)
            for wealth, share in zip(state.no_worse, self._no_worse(champion), strict=True)
        )
        failed = state.failed or bets.log_total(worse) >= -log(self.alpha)
        return replace(state, worse=worse, no_worse=no_worse, failed=failed)

    def _worse(self, base: float) -> Iterator[float]:
        shares = worse_than(base, WORSE)
        seen = self.state.bad + self.state.good
        yield max((self.state.bad + LEARNING * shares[1]) / (seen + LEARNING), base)
        yield from shares

    def _no_worse(self, champion: float) -> tuple[float, float, float]:
        return champion + self.margin / 2, champion, champion / 4

    def _learned(self, block: Block, state: ChampionTestState) -> ChampionTestState:
        bad, good = state.champion_bad + block.champion_bad, state.champion_good + block.champion_good
        kept = min(1.0, RECENT / (bad + good))
        return replace(
            state,
            bad=state.bad + block.challenger_bad,
            good=state.good + block.challenger_good,
            champion_bad=bad * kept,
            champion_good=good * kept,
            pending=Block(),
        )
