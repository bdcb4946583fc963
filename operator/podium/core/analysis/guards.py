"""Guards: each has one or a few criteria for served traffic, tested on the evidence so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from podium.api.v1alpha1.evidence import Counts, GuardRecord, MeasureCounts
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.status import Trial
from podium.api.v1alpha1.values.base import format_percent
from podium.core.analysis.blame import Blame, blame
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.sequential import AgainstLimit, AgainstPairs, TestVerdict, outlook
from podium.core.analysis.tests import NOT_EVALUATED, SequentialTest, error_text, sequential_tests
from podium.core.facts import Facts

State = TestVerdict
Goal = Literal["exposed", "enough"]


@dataclass(frozen=True)
class CriterionResult:
    """The result of one criterion."""

    criterion: Criterion
    challenger: Counts
    champion: Counts
    since_suspicion: Counts  # the challenger's answers since it has been under suspicion
    state: State
    exposed: int  # answers in all after which a bad version would have been found out: what a step needs
    enough: int  # answers in all after which it holds, if they are as they should be: what a promotion needs
    blame: Blame = "Unknown"  # where it failed: whose fault that is
    error: str = ""  # why it could not be evaluated
    mismatch: str = ""  # why what both sides answered cannot be compared

    def needed(self, goal: Goal) -> int:
        """Answers in all that a step, or a promotion, waits for."""
        return self.exposed if goal == "exposed" else self.enough

    @property
    def message(self) -> str:
        """The counts and the limit, in one sentence."""
        criterion, counts = self.criterion, self.challenger
        if self.error:
            return f"{criterion.guard.name}: could not be evaluated ({self.error})"
        if self.mismatch:
            return f"{criterion.guard.name} is not compared with the champion: {self.mismatch}"
        if not counts.answers:
            return f"{criterion.guard.name}: no {criterion.measure.answers} yet"
        limit = format_percent(criterion.limit)
        if criterion.other is not None:
            pairs = f"only the challenger's answer is bad in {_of(counts)} pairs, only the champion's in"
            return f"{criterion.guard.name}: {pairs} {self.champion.bad}, at most {limit} more"
        if not criterion.difference:
            return f"{self._share_and_counts}, limit {limit})"
        beside = f"{_of(self.champion)} of the champion's"
        direction = "less" if criterion.mirrored else "more"
        what = f"{_of(counts)} {criterion.measure.answers}; {beside}, at most {limit} {direction}"
        return f"{self._named(_share(counts))} ({what})"

    def _named(self, share: str) -> str:
        """A guard that is named for what it counts needs to say it only once."""
        guard, measure = self.criterion.guard.name, self.criterion.measure.label
        return f"{guard} {share}" if guard == measure else f"{guard}: {share} {measure}"

    @property
    def _share_and_counts(self) -> str:
        """The share that failed the guard: of the last answers, where an earlier good history would hide it."""
        late, whole = self.since_suspicion, self.challenger
        if self.state == "Failed" and 0 < 2 * late.answers < whole.answers:
            counts = f"{late.bad} of the last {late.answers} {self.criterion.measure.answers}, {_of(whole)} in all"
            return f"{self._named(_share(late))} recently ({counts}"
        return f"{self._named(_share(whole))} ({_of(whole)} {self.criterion.measure.answers}"


def _share(counts: Counts) -> str:
    return format_percent(counts.bad / counts.answers)


def _of(counts: Counts) -> str:
    return f"{counts.bad} of {counts.answers}"


@dataclass(frozen=True)
class GuardResult:
    """The result of a guard: failed if one of its criteria is, passed if all are."""

    guard: Guard
    findings: Sequence[CriterionResult]  # none while the guard waits for the champion's distribution

    @property
    def state(self) -> State:
        """Failed where one criterion is, Passed where all are."""
        states = {finding.state for finding in self.findings}
        if "Failed" in states:
            return "Failed"
        return "Passed" if states == {"Passed"} else "Inconclusive"

    @property
    def exposed(self) -> bool:
        """A bad version would have been detected by now."""
        seen = (one.state == "Passed" or one.challenger.answers >= one.exposed for one in self.findings)
        return bool(self.findings) and all(seen)

    @property
    def everywhere(self) -> bool:
        """The champion fails every failed criterion as well."""
        return all(finding.blame == "Shared" for finding in self.findings if finding.state == "Failed")

    @property
    def own(self) -> bool:
        """The champion does not fail one of the failed criteria: the fault is the version's own."""
        return any(finding.blame == "Own" for finding in self.findings if finding.state == "Failed")

    @property
    def worst(self) -> CriterionResult | None:
        """The finding to report: the failed one, or the one that needs the most answers still."""
        order: dict[State, int] = {"Failed": 0, "Inconclusive": 1, "Passed": 2}
        told = sorted(self.findings, key=lambda one: (order[one.state], one.challenger.answers - one.enough))
        return told[0] if told else None

    @property
    def message(self) -> str:
        """The sentence of the criterion that decides."""
        worst = self.worst
        return worst.message if worst else f"{self.guard.name} waits for the champion's baseline"

    def missing(self, goal: Goal) -> int:
        """About how many more answers are needed until a step, or a promotion, has seen enough."""
        wanting = [one for one in self.findings if one.state != "Passed"]
        return max([0, *(one.needed(goal) - one.challenger.answers for one in wanting)])


def most_wanting(results: Sequence[GuardResult], goal: Goal) -> CriterionResult | None:
    """The finding that needs the most answers still; None where every one has passed."""
    wanting = [finding for result in results for finding in result.findings if finding.state != "Passed"]
    return max(wanting, key=lambda one: one.needed(goal) - one.challenger.answers, default=None)


def records(facts: Facts) -> list[GuardRecord]:
    """Every guard's result now, for the history."""
    return [_record(result) for result in judged(facts)]


def _record(result: GuardResult) -> GuardRecord:
    worst, update = result.worst, {}
    if worst is not None:
        update = {"challenger": worst.challenger, "champion": worst.champion, "limit": worst.criterion.limit}
    return GuardRecord(guard=result.guard.name, verdict=result.state, message=result.message).model_copy(update=update)


def judged(facts: Facts) -> Sequence[GuardResult]:
    """Every guard of the trial, judged on its evidence, once for all who ask; none where there is no trial."""
    trial = facts.status.trial
    return facts.once(judge, trial) if trial is not None else ()


def judging(facts: Facts) -> Sequence[GuardResult]:
    """The guards that the present step waits for: of kind shadow in a shadow step, and all others in any other.

    A template's trial has no pairs, as both sides serve the same and no pod copies to its like: such a step only lasts.
    """
    trial, subject, beside = facts.status.trial, facts.subject, facts.fallback
    shadow = trial is not None and trial.steps[trial.step].shadow is not None
    if shadow and subject is not None and beside is not None and subject.same_version(beside):
        return ()
    return [result for result in judged(facts) if (result.guard.shadow is not None) == shadow]


def judge(trial: Trial) -> Sequence[GuardResult]:
    """Every guard of the trial, judged on its evidence."""
    found = [_finding(test, trial) for test in sequential_tests(trial, trial.evidence)]
    return [
        GuardResult(guard, [finding for finding in found if finding.criterion.guard.name == guard.name])
        for guard in trial.guards
    ]


def _finding(test: SequentialTest, trial: Trial) -> CriterionResult:
    """The result of a criterion. One that cannot be evaluated is Inconclusive: it neither promotes nor condemns."""
    if test.known.error:
        return _inconclusive(test, trial, error=test.known.error)
    if test.criterion.compares_samples and (mismatch := trial.evidence.mismatch):
        return _inconclusive(test, trial, mismatch=mismatch)
    try:
        return _evaluated(test, trial)
    except NOT_EVALUATED as error:
        return _inconclusive(test, trial, error=error_text(error))


def _inconclusive(test: SequentialTest, trial: Trial, *, error: str = "", mismatch: str = "") -> CriterionResult:
    counts = _counts(test.criterion, trial)
    return CriterionResult(
        criterion=test.criterion,
        challenger=counts.challenger,
        champion=counts.champion,
        since_suspicion=Counts(),
        state="Inconclusive",
        exposed=counts.challenger.answers + 1,
        enough=counts.challenger.answers + 1,
        error=error,
        mismatch=mismatch,
    )


def _evaluated(test: SequentialTest, trial: Trial) -> CriterionResult:
    criterion, judged = test.criterion, test.judge()
    counts = _counts(criterion, trial)
    if isinstance(judged, AgainstPairs):
        forecast = outlook.against_pairs(judged, trial.detect)
    elif isinstance(judged, AgainstLimit):
        forecast = outlook.against_limit(judged, trial.detect)
    else:
        forecast = outlook.against_champion(judged, trial.detect, counts.challenger.answers, counts.champion.answers)
    return CriterionResult(
        criterion=criterion,
        challenger=counts.challenger,
        champion=counts.champion,
        since_suspicion=test.known.challenger,
        state=judged.verdict,
        exposed=forecast.exposed,
        enough=forecast.enough,
        blame=_blame(test, trial.false_rollback_rate) if judged.verdict == "Failed" else "Unknown",
    )


def _counts(criterion: Criterion, trial: Trial) -> MeasureCounts:
    """What both sides answered. Of pairs, what only one of them did."""
    counts = trial.evidence.measured(criterion.measure.name)
    if criterion.other is None:
        return counts
    return counts.model_copy(update={"champion": trial.evidence.measured(criterion.other.name).challenger})


def _blame(test: SequentialTest, alpha: float) -> Blame:
    """By the answers since the suspicion began. Beside the champion the test itself tells."""
    if test.criterion.beside_champion:
        return "Own"
    known, limit = test.known, test.criterion.limit
    return blame(known.challenger, known.champion, limit, alpha=alpha, beta=test.beta)
