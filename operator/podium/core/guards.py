"""Guards: each a question about served traffic, turned into counts of bad answers among all answers."""

from dataclasses import dataclass
from typing import Literal

from podium.api.base import format_percent
from podium.api.rollout import Guard
from podium.api.status import Trial
from podium.core.evidence import answers_to_expose, answers_to_hold, proves_above, proves_below

ALPHA = 0.01  # chance of a false rollback in a whole trial, all guards together
BETA = 0.05  # chance of a false promotion
DETECT = 10.0  # a step shows enough once a version so many times worse than the limit would have been found out

State = Literal["broken", "holds", "cannot tell"]


@dataclass(frozen=True)
class Judged:
    """One guard's answer on the evidence so far."""

    guard: Guard
    answers: int
    bad: int
    state: State
    exposed: int  # answers in all after which a bad version would have been found out: what a step needs
    enough: int  # answers in all after which the guard holds, if no more bad ones come: what a promotion needs

    @property
    def message(self) -> str:
        limit = format_percent(self.guard.error_rate.at_most)
        share = format_percent(self.bad / self.answers) if self.answers else "no answers yet"
        return f"{self.guard.name} {share} ({self.bad} of {self.answers} answers, limit {limit})"


def judge(trial: Trial) -> list[Judged]:
    """Every guard of the trial, judged on its evidence. The guards share α and β equally."""
    return [_judge(guard, trial, len(trial.guards)) for guard in trial.guards]


def _judge(guard: Guard, trial: Trial, guards: int) -> Judged:
    tally, limit = trial.evidence.challenger, guard.error_rate.at_most
    bad, good = tally.bad, tally.answers - tally.bad
    state: State = "cannot tell"
    if proves_above(bad, good, limit, ALPHA / guards):
        state = "broken"
    elif proves_below(bad, good, limit, BETA / guards):
        state = "holds"
    return Judged(
        guard=guard,
        answers=tally.answers,
        bad=bad,
        state=state,
        exposed=answers_to_expose(limit, DETECT, ALPHA / guards),
        enough=answers_to_hold(bad, limit, BETA / guards),
    )
