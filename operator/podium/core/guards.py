"""Guards: each a question about served traffic, or a few of them, judged on the evidence so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from podium.api.base import format_percent
from podium.api.guards import Guard
from podium.api.status import GuardRecord, Tally, Trial
from podium.core.evidence import AgainstLimit, Judgement, outlook, proves_above
from podium.core.jury import Seat, judge_of, recollection, seats
from podium.core.questions import Question

State = Judgement
Goal = Literal["exposed", "enough"]


@dataclass(frozen=True)
class Finding:
    """One question's answer."""

    question: Question
    challenger: Tally
    champion: Tally
    lately: Tally  # the challenger's answers since it has been under suspicion
    state: State
    exposed: int  # answers in all after which a bad version would have been found out: what a step needs
    enough: int  # answers in all after which it holds, if they are as they should be: what a promotion needs
    everywhere: bool = False  # broken, and by the champion as well

    def wanted(self, goal: Goal) -> int:
        """Answers in all that a step, or a promotion, waits for."""
        return self.exposed if goal == "exposed" else self.enough

    @property
    def message(self) -> str:
        asked, tally = self.question, self.challenger
        if not tally.answers:
            return f"{asked.guard.name}: no answers yet"
        limit = format_percent(asked.limit)
        if not asked.beside_champion:
            return f"{self._share_and_counts}, limit {limit})"
        beside = f"{_of(self.champion)} of the champion's"
        direction = "less" if asked.mirrored else "more"
        return f"{self._named(_share(tally))} ({_of(tally)} answers; {beside}, at most {limit} {direction})"

    def _named(self, share: str) -> str:
        """A guard that is named for what it counts needs to say it only once."""
        guard, measure = self.question.guard.name, self.question.measure.said
        return f"{guard} {share}" if guard == measure else f"{guard}: {share} {measure}"

    @property
    def _share_and_counts(self) -> str:
        """The share that broke the guard: of the last answers, where an earlier good past would hide it."""
        late, tally = self.lately, self.challenger
        if self.state == "broken" and 0 < 2 * late.answers < tally.answers:
            counts = f"{late.bad} of the last {late.answers} answers, {_of(tally)} in all"
            return f"{self._named(_share(late))} lately ({counts}"
        return f"{self._named(_share(tally))} ({_of(tally)} answers"


def _share(tally: Tally) -> str:
    return format_percent(tally.bad / tally.answers)


def _of(tally: Tally) -> str:
    return f"{tally.bad} of {tally.answers}"


@dataclass(frozen=True)
class Judged:
    """A guard's answer: broken if one of its questions is, holds if all do."""

    guard: Guard
    findings: Sequence[Finding]  # none while the guard waits for the champion's distribution

    @property
    def state(self) -> State:
        states = {finding.state for finding in self.findings}
        if "broken" in states:
            return "broken"
        return "holds" if states == {"holds"} else "cannot tell"

    @property
    def exposed(self) -> bool:
        """A bad version would have been found out by now."""
        seen = (one.state == "holds" or one.challenger.answers >= one.exposed for one in self.findings)
        return bool(self.findings) and all(seen)

    @property
    def everywhere(self) -> bool:
        """All that is broken is broken by the champion as well."""
        return all(finding.everywhere for finding in self.findings if finding.state == "broken")

    @property
    def worst(self) -> Finding | None:
        """The finding to tell of: the broken one, or the one that needs the most answers still."""
        order: dict[State, int] = {"broken": 0, "cannot tell": 1, "holds": 2}
        told = sorted(self.findings, key=lambda one: (order[one.state], one.challenger.answers - one.enough))
        return told[0] if told else None

    @property
    def message(self) -> str:
        worst = self.worst
        return worst.message if worst else f"{self.guard.name} waits for the champion's own distribution"

    def missing(self, goal: Goal) -> int:
        """About how many more answers are needed until a step, or a promotion, has seen enough."""
        wanting = [one for one in self.findings if one.state != "holds"]
        return max([0, *(one.wanted(goal) - one.challenger.answers for one in wanting)])


def records(trial: Trial) -> list[GuardRecord]:
    """What every guard says now, to be kept."""
    return [_record(judged) for judged in judge(trial)]


def _record(judged: Judged) -> GuardRecord:
    worst, update = judged.worst, {}
    if worst is not None:
        update = {"challenger": worst.challenger, "champion": worst.champion, "limit": worst.question.limit}
    return GuardRecord(guard=judged.guard.name, verdict=judged.state, message=judged.message).model_copy(update=update)


def judge(trial: Trial) -> list[Judged]:
    """Every guard of the trial, judged on its evidence."""
    found = [(seat, _finding(seat, trial)) for seat in seats(trial.guards, trial.evidence, trial.alpha)]
    return [
        Judged(guard, [finding for seat, finding in found if seat.question.guard.name == guard.name])
        for guard in trial.guards
    ]


def _finding(seat: Seat, trial: Trial) -> Finding:
    question, judged = seat.question, judge_of(seat, trial)
    tally = trial.evidence.measured(question.measure.name)
    if isinstance(judged, AgainstLimit):
        forecast = outlook.against_limit(judged, trial.detect)
    else:
        forecast = outlook.against_champion(judged, trial.detect, tally.challenger.answers, tally.champion.answers)
    return Finding(
        question=question,
        challenger=tally.challenger,
        champion=tally.champion,
        lately=recollection(trial.evidence, question).challenger,
        state=judged.verdict,
        exposed=forecast.exposed,
        enough=forecast.enough,
        everywhere=judged.verdict == "broken" and _broken_by_the_champion(question, trial),
    )


def _broken_by_the_champion(question: Question, trial: Trial) -> bool:
    """Whether the champion's answers since the suspicion began prove the same of it. Beside the champion: never."""
    seen = recollection(trial.evidence, question).champion
    return not question.beside_champion and proves_above(seen.bad, seen.answers - seen.bad, question.limit, trial.beta)
