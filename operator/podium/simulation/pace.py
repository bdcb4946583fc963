"""How often a simulated trial is reconciled.

The operator reconciles every second. In a simulation it does so for the first seconds after each move only, and then
less often, as if its clock overslept: what two reconciles are apart is a part of the time since then, and the smaller a
part, the nearer any test is to a proof. A good version takes the longest, and would be observed in vain.
"""

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from podium.api.v1alpha1.status import Phase, Status, Trial
from podium.core.analysis.tests import sequential_tests
from podium.core.status.trial_times import COUNTED, longest_gap

# From so many nats on that a bet on a failed guard has won: how many times longer the time since the last move is than
# what two reconciles are apart. With 1.3 % errors at a limit of 1 %, 49 of 360 trials are rolled back; 48, if it
# reconciles every second.
RECONCILES: Final = ((0.0, 25), (-3.0, 12), (-6.0, 5), (-math.inf, 3))

CHAMPIONS: Final = 25  # the same, while the champion's answers decide whose fault it was


def pace(status: Status, now: datetime) -> float:
    """Seconds between two reconciles; 0 where every one counts."""
    trial, since = status.trial, status.phase_since
    if (suspected := status.suspected) is not None and status.phase is Phase.PENDING:
        return min((now - suspected.since) / CHAMPIONS, suspected.until - now).total_seconds()
    if status.phase not in COUNTED or trial is None or since is None:
        return 0.0
    passed = (now - max(since, trial.step_started_at or since)).total_seconds()
    suspicion = _suspicion(trial)
    part = passed // next(parts for least, parts in RECONCILES if suspicion >= least)
    if status.phase is Phase.SOAKING:
        part = min(part, longest_gap(trial).total_seconds() * 0.8)
    return min([part, *(left for left in _deadlines(trial, now) if left > 0)])


def _suspicion(trial: Trial) -> float:
    """What the best bet on a failed guard has won, in nats."""
    tests = sequential_tests(trial, trial.evidence)
    return max((test.judge().log_failed for test in tests), default=-math.inf)


def _deadlines(trial: Trial, now: datetime) -> Iterator[float]:
    """Seconds until time alone may change something."""
    waits = [
        (trial.weight_reached_at, trial.steps[trial.step].duration),
        (trial.step_started_at, trial.step_timeout),
        (trial.soaking_since, trial.soak),
    ]
    for began, length in waits:
        if began is not None:
            yield (began + length - now).total_seconds()
