"""The tests: one sequential test for each criterion of a trial. Each takes every block of answers, keeps few numbers.

All criteria of all guards share the trial's α: a false rollback needs only one of them to be wrong. They do not share
β: a promotion needs every one to pass, so the probability of a false one is that of the most lenient.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from podium.api.v1alpha1.evidence import Counts, Evidence, TestState
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.status import Trial
from podium.core.analysis.criteria import criteria
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.sequential import (
    AgainstChampion,
    AgainstLimit,
    AgainstPairs,
    Block,
    ChampionTestState,
    LimitTestState,
    PairsTestState,
)

Judge = AgainstLimit | AgainstChampion | AgainstPairs
DIGITS = 10  # of a remembered number
# What arithmetic on counts, or a state that an edited status holds, can raise. One guard must not stop the others.
NOT_EVALUATED = (ArithmeticError, AssertionError, LookupError, TypeError, ValueError)
_LONGEST = 300  # characters of an error
_UNSUSPECTED: Mapping[str, Counts] = {"challenger": Counts(), "champion": Counts()}


@dataclass(frozen=True)
class AlphaShare:
    """A criterion, and its part of the trial's α."""

    criterion: Criterion
    alpha: float


def alpha_shares(guards: Sequence[Guard], evidence: Evidence, alpha: float) -> Iterator[AlphaShare]:
    """Every criterion of these guards. The guards share α equally, and so do a guard's criteria."""
    for guard in guards:
        tested = criteria(guard, evidence)
        yield from (AlphaShare(criterion, alpha / len(guards) / len(tested)) for criterion in tested)


@dataclass(frozen=True)
class SequentialTest:
    """The test of a criterion, and its state in the evidence; an empty one at first."""

    share: AlphaShare
    beta: float
    known: TestState

    @property
    def criterion(self) -> Criterion:
        """What it tests."""
        return self.share.criterion

    def judge(self) -> Judge:
        """The test as it stands. Raises one of NOT_EVALUATED where its state is none that Podium wrote."""
        return _judge(self.share, self.beta, self.known.state)


def sequential_tests(trial: Trial, evidence: Evidence) -> Iterator[SequentialTest]:
    """The test of every criterion of the trial, as this evidence has it."""
    known = {each.criterion: each for each in reversed(evidence.tests)}
    for share in alpha_shares(trial.guards, evidence, trial.false_rollback_rate):
        name = share.criterion.name
        state = known[name] if name in known else TestState(criterion=name, state="")
        yield SequentialTest(share, trial.false_promotion_rate, state)


def state_of(evidence: Evidence, criterion: Criterion) -> TestState:
    """The state of a criterion's test; empty at first."""
    name = criterion.name
    return next((each for each in evidence.tests if each.criterion == name), None) or TestState(
        criterion=name, state=""
    )


def update(trial: Trial, evidence: Evidence, blocks: Mapping[str, Block]) -> Evidence:
    """The evidence after every test has taken the answers since the last reconcile.

    Where requests are not shared as they should be, comparisons with the champion take none.
    """
    tests = [
        test.known if test.criterion.compares_samples and evidence.mismatch else _updated(test, blocks)
        for test in sequential_tests(trial, evidence)
    ]
    return evidence.model_copy(update={"tests": tests})


def error_text(error: Exception) -> str:
    """Why a test could not be evaluated, as a message may hold it."""
    return f"{type(error).__name__}: {error}"[:_LONGEST]


def _updated(test: SequentialTest, blocks: Mapping[str, Block]) -> TestState:
    try:
        return test.known.model_copy(update={"error": "", **_after(test, blocks)})
    except NOT_EVALUATED as error:
        return test.known.model_copy(update={"error": error_text(error)})


def _after(test: SequentialTest, blocks: Mapping[str, Block]) -> Mapping[str, object]:
    """What of the state changes by one more block."""
    judge, block = test.judge(), blocks[test.criterion.measure.name]
    if isinstance(judge, AgainstPairs):
        assert test.criterion.other is not None, "pairs are compared by two measures"
        return {"state": _written(judge.see(*_pairs(block, blocks[test.criterion.other.name])).state)}
    if isinstance(judge, AgainstChampion):
        after = judge.see(*(_mirrored(block) if test.criterion.mirrored else _as_it_is(block)))
        return {"state": _written(after.state)}
    limited = judge.see(block.challenger_bad, block.challenger_good)
    since = _since_suspicion(test.known, block) if limited.suspects else _UNSUSPECTED
    return {"state": _written(limited.state), **since}


def _since_suspicion(known: TestState, block: Block) -> Mapping[str, Counts]:
    challenger = Counts(answers=block.challenger_bad + block.challenger_good, bad=block.challenger_bad)
    champion = Counts(answers=block.champion_bad + block.champion_good, bad=block.champion_bad)
    return {"challenger": known.challenger + challenger, "champion": known.champion + champion}


def _as_it_is(block: Block) -> tuple[int, int, int, int]:
    return block.challenger_bad, block.challenger_good, block.champion_bad, block.champion_good


def _mirrored(block: Block) -> tuple[int, int, int, int]:
    return block.challenger_good, block.challenger_bad, block.champion_good, block.champion_bad


def _pairs(worse: Block, better: Block) -> tuple[int, int, int]:
    """Pairs in which only the challenger, only the champion, and in which neither or both were bad.

    The counts of several processes are not of one moment: the pairs that a reading of them lacks come with the next.
    """
    bad, good = worse.challenger_bad, better.challenger_bad
    return bad, good, max(0, worse.challenger_bad + worse.challenger_good - bad - good)


def _judge(share: AlphaShare, beta: float, state: str) -> Judge:
    limit = share.criterion.limit
    if share.criterion.other is not None:
        return AgainstPairs(limit, share.alpha, beta, _pairs_state(state))
    if share.criterion.compares_samples:
        return AgainstChampion(limit, share.alpha, beta, _champion_state(state))
    return AgainstLimit(limit, share.alpha, beta, _limit_state(state))


# --- memories as text -------------------------------------------------------------------------------------------------


def _written(state: LimitTestState | ChampionTestState | PairsTestState) -> str:
    return json.dumps({name: _short(value) for name, value in vars(state).items()}, separators=(",", ":"))


def _short(value: object) -> object:
    if isinstance(value, Block):
        return vars(value)
    if isinstance(value, tuple):
        return [_short(inner) for inner in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _limit_state(text: str) -> LimitTestState:
    if not text:
        return LimitTestState()
    known = json.loads(text)
    return LimitTestState(**{**known, "late": _wealth(known["late"])})


def _pairs_state(text: str) -> PairsTestState:
    return PairsTestState(**json.loads(text)) if text else PairsTestState()


def _champion_state(text: str) -> ChampionTestState:
    if not text:
        return ChampionTestState()
    known = json.loads(text)
    wealth = {name: _wealth(known[name]) for name in ("worse", "no_worse")}
    return ChampionTestState(**{**known, **wealth, "pending": Block(**known["pending"])})


def _wealth(numbers: Sequence[float]) -> tuple[float, ...]:
    assert all(map(isfinite, numbers)), "the judge's state in the status is no list of numbers"
    return tuple(numbers)
