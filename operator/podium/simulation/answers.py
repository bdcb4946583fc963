"""What the pods of a version count, if its answers are bad with given chances: one draw a look, not one an answer."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest

from podium.api.v1alpha1.evidence import Counts
from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.guard_kinds import Simulated, kind_of
from podium.core.facts import ALL, Counters, Histogram
from podium.simulation.assumed import Shares

FEW = 40  # draws below this are made one by one
BINS = 10  # of the scores: the champion's are spread evenly, so that its deciles are edges
RARE = 1e-12  # a run of bad answers less likely than this is not drawn
TINY = 1e-9


def binomial(chance: random.Random, number: int, share: float) -> int:
    """How many of so many are bad. Exact: an order statistic halves the problem (Devroye 1986, X.4.3)."""
    bad = 0
    while number > FEW and 0 < share < 1:
        middle = (number + 1) // 2
        split = chance.betavariate(middle, number + 1 - middle)
        if split <= share:
            bad, number, share = bad + middle, number - middle, (share - split) / (1 - split)
        else:
            number, share = middle - 1, share / split
    if not 0 < share < 1:
        return bad + (number if share >= 1 else 0)
    return bad + sum(chance.random() < share for _ in range(number))


@dataclass(frozen=True)
class Edge:
    """A latency, and the shares of a version's and of its champion's answers that are slower."""

    seconds: float
    slower: float
    champion: float


@dataclass(frozen=True)
class Chances:
    """How a version answers."""

    errors: float = 0.0  # invalid answers among them
    invalid: float = 0.0
    slow: Sequence[Edge] = ()  # seconds rise, shares fall
    scores: Sequence[float] = ()  # share of each bin; none where no guard asks for scores
    counts: Shares = field(default_factory=dict)  # by guard, of bad answers that are drawn apart from these
    # By guard: a pod's counters with so many of these bad answers.
    shown: Mapping[str, Callable[[Counters, int], Counters]] = field(default_factory=dict)


def chances(guards: Sequence[Guard], version: Shares, champion: Shares) -> Chances:
    """The chances that fit what is assumed of each guard."""

    def drawn(simulated: Simulated) -> Shares:
        return {guard.name: version[guard.name] for guard in guards if kind_of(guard).simulated == simulated}

    invalid, shift = max(drawn("invalid").values(), default=0.0), drawn("predictions").values()
    return Chances(
        errors=max([invalid, *drawn("errors").values()]),
        invalid=invalid,
        slow=tuple(_edges(guards, version, champion)),
        scores=tuple(_shifted(max(shift))) if shift else (),
        counts=drawn("apart"),
        shown={guard.name: shown for guard in guards if (shown := kind_of(guard).shown) is not None},
    )


def _shifted(gap: float) -> Iterator[float]:
    """Even scores, of which so many have moved into the uppermost bin that the largest gap is this."""
    moved = min(1.0, gap * BINS / (BINS - 1))
    yield from [(1 - moved) / BINS] * (BINS - 1)
    yield (1 - moved) / BINS + moved


def _edges(guards: Sequence[Guard], version: Shares, champion: Shares) -> Sequence[Edge]:
    """Each limit is an edge; so is the champion's own percentile, at a place that fits between the limits."""
    fixed, floating = [], []
    for guard in guards:
        if guard.latency is None:
            continue
        mine, its, tail = version[guard.name], champion[guard.name], 1 - guard.latency.percentile / ALL
        if guard.latency.at_most is not None:
            fixed.append(Edge(guard.latency.at_most.total_seconds(), mine, its))
        if guard.latency.max_slower_than_champion is not None:
            relative = mine if guard.latency.at_most is None else _as_much_slower(tail, its, mine)
            floating.append(Edge(0.0, relative, tail))
    fixed.sort(key=lambda edge: edge.seconds)
    floating.sort(key=lambda edge: -edge.champion)
    return _falling(_placed(_falling(fixed), floating))


def _as_much_slower(tail: float, champion: float, version: float) -> float:
    """The version's share where the champion's is `tail`, if its odds are changed as they are at the limit."""
    mine, its, base = (min(max(share, TINY), 1 - TINY) for share in (version, champion, tail))
    odds = base / (1 - base) * (mine / (1 - mine)) / (its / (1 - its))
    return odds / (1 + odds)


def _placed(fixed: Sequence[Edge], floating: Sequence[Edge]) -> Iterator[Edge]:
    bounds = [Edge(0.0, 1.0, 1.0), *fixed]
    for low, high in pairwise([*bounds, Edge(bounds[-1].seconds + 1, 0.0, 0.0)]):
        if low.seconds:
            yield low
        between = [edge for edge in floating if high.champion <= edge.champion < low.champion]
        width = (high.seconds - low.seconds) / (len(between) + 1)
        yield from (replace(edge, seconds=low.seconds + width * (place + 1)) for place, edge in enumerate(between))


def _falling(edges: Iterable[Edge]) -> list[Edge]:
    """What is slower than a longer time is slower than a shorter one too: there are at least as many of these."""
    found: list[Edge] = []
    slower = champion = 0.0
    for edge in reversed(list(edges)):
        slower, champion = max(slower, edge.slower), max(champion, edge.champion)
        found.append(Edge(edge.seconds, slower, champion))
    return found[::-1]


@dataclass
class Answers:
    """All that one version has answered, as its pods together would count it."""

    chances: Chances
    chance: random.Random
    answers: int = 0
    bad: int = 0
    invalid: int = 0
    consecutive_bad: int = 0
    slow: list[int] = field(default_factory=list)
    scores: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    first: "Answers | None" = None  # those whose side was drawn for the request; None where pods do not tell them apart

    def history(self, answers: int) -> None:
        """What a champion has answered before: exactly its shares, so that its percentiles are where they should be."""
        self.answers, self.bad = answers, round(answers * self.chances.errors)
        self.invalid = round(answers * self.chances.invalid)
        self.slow = [int(answers * edge.slower + TINY) for edge in self.chances.slow]
        self.scores = [round(answers * share) for share in self.chances.scores]
        self.counts = {name: round(answers * share) for name, share in self.chances.counts.items()}

    def serve(
        self,
        number: int,
        moments: int,
        most_consecutive_bad: int,
        errors: float | None = None,
        *,
        first: bool = False,
    ) -> None:
        """So many answers, spread over so many moments at which a run of bad ones could have been seen.

        `errors` is the share of bad ones to the clients that ask here, where it is another than to all of them. `first`
        is whether the side of each request was drawn.
        """
        share = self.chances.errors if errors is None else errors
        drawn = Answers(self.chances, self.chance, answers=number, bad=binomial(self.chance, number, share))
        self.consecutive_bad = self._run(number, moments, most_consecutive_bad, share)
        drawn.draw_the_rest()
        self.add(drawn)
        if first:
            self.first = self.first or Answers(self.chances, self.chance)
            self.first.add(drawn)

    def draw_the_rest(self) -> None:
        """All but how many answers are bad."""
        chances, number = self.chances, self.answers
        if chances.invalid:
            self.invalid = binomial(self.chance, self.bad, chances.invalid / chances.errors)
        self.slow, self.scores = [*self._slower(number)], [*self._scored(number)]
        self.counts = {name: binomial(self.chance, number, share) for name, share in chances.counts.items()}

    def add(self, other: "Answers") -> None:
        """Count another pod's answers here, too."""
        self.answers, self.bad, self.invalid = (
            self.answers + other.answers,
            self.bad + other.bad,
            self.invalid + other.invalid,
        )
        self.slow = _sums(self.slow, other.slow)
        self.scores = _sums(self.scores, other.scores)
        self.counts = {name: self.counts.get(name, 0) + count for name, count in other.counts.items()}

    @property
    def hit(self) -> int:
        """The answers that were bad in the eyes of the guard that has most of them; a shift changes the answers too."""
        moved = sum(self.scores) * (1 - BINS * self.chances.scores[0]) if self.chances.scores else 0
        slow = [count for count, edge in zip(self.slow, self.chances.slow, strict=False) if edge.slower > edge.champion]
        return max(self.bad, round(moved), *slow, *self.counts.values(), 0)

    def counters(self) -> Counters:
        """The totals as a pod's page has them."""
        counters = Counters(
            answers=self.answers,
            bad=self.bad,
            invalid=self.invalid,
            consecutive_bad=self.consecutive_bad,
            latency=self._latency(),
            scores=self._distribution(),
            received=self.answers,
            first=self.first.counters() if self.first is not None else None,
        )
        for guard, shown in self.chances.shown.items():
            counters = shown(counters, self.counts.get(guard, 0))
        return counters

    def prometheus(self, guard: str) -> Counts:
        """What Prometheus counts for a guard."""
        return Counts(answers=self.answers, bad=self.counts.get(guard, 0))

    def _run(self, number: int, moments: int, most: int, share: float) -> int:
        """The longest run of bad answers that was there at any of the moments."""
        if moments * share**most < RARE:
            return 0
        run, longest, each = self.consecutive_bad, 0, number // moments
        for moment in range(moments):
            some, ended = each + (moment < number % moments), 0
            while ended < min(some, most) and self.chance.random() < share:
                ended += 1
            run = run + ended if ended == some else ended
            longest = max(longest, run)
        return longest if longest >= most else run

    def _slower(self, number: int) -> Iterator[int]:
        left, share = number, 1.0
        for edge in self.chances.slow:
            left = binomial(self.chance, left, edge.slower / share) if share else 0
            share = edge.slower
            yield left

    def _scored(self, number: int) -> Iterator[int]:
        left, share = number, 1.0
        for part in self.chances.scores:
            drawn = binomial(self.chance, left, min(1.0, part / share)) if share > TINY else left
            left, share = left - drawn, share - part
            yield drawn

    def _latency(self) -> Histogram:
        edges = tuple(edge.seconds for edge in self.chances.slow)
        slow = self.slow or [0] * len(edges)
        return Histogram(edges, tuple(self.answers - each for each in slow), self.answers)

    def _distribution(self) -> Histogram:
        if not self.chances.scores:
            return Histogram()
        below, counts = 0, []
        for drawn in (self.scores or [0] * BINS)[:-1]:
            below += drawn
            counts.append(below)
        return Histogram(tuple((place + 1) / BINS for place in range(BINS - 1)), tuple(counts), self.answers)


def _sums(some: list[int], others: list[int]) -> list[int]:
    return [one + other for one, other in zip_longest(some, others, fillvalue=0)]
