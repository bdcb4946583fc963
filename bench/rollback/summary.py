"""What the runs came to. Pure; times are seconds of the clients' clock."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from demo.ledger import Ledger

Weights = Sequence[tuple[float, int]]  # when the status said so, and the percent that it asked for the challenger


@dataclass(frozen=True)
class Run:
    """How one challenger left the traffic."""

    seconds: float  # from its first bad answer, or its first crash, until nothing more of it was felt
    failed: int  # requests that failed in that time, whoever should have answered them
    rose: bool = False  # whether its weight rose after the first crash


@dataclass(frozen=True)
class Figures:
    """The runs of one kind."""

    runs: Sequence[Run]

    @property
    def median(self) -> float:
        """Seconds, the median of the runs."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def worst(self) -> float:
        """Seconds, the longest of the runs."""
        return max(run.seconds for run in self.runs)

    @property
    def failed(self) -> float:
        """Failed answers, the median of the runs."""
        return statistics.median(run.failed for run in self.runs)

    def as_json(self) -> dict[str, float]:
        """The figures by their names in the JSON."""
        return {
            "seconds_median": round(self.median, 2),
            "seconds_worst": round(self.worst, 2),
            "failed_median": self.failed,
        }


def failing(ledger: Ledger, challenger: str) -> Run:
    """From the first request that it failed to its last answer of any kind. Raises ValueError where it failed none."""
    rollback = ledger.rollback(challenger)
    if rollback is None:
        raise ValueError(f"version {challenger} was told to fail, and none of its answers failed")
    return Run(rollback.seconds, rollback.own_failures + rollback.bystanders)


def crashing(ledger: Ledger, challenger: str, weights: Weights) -> Run:
    """From the first request lost to the last one lost or answered by it, and not before its weight was taken back.

    A pod that crashed gives no last answer, so what counts too is when the status said that it gets no traffic. A lost
    request counts when it was sent: then it was routed, and how long a client waits is its own affair. Raises
    ValueError where no request was lost, and where the weight never went back.
    """
    lost = [answer for answer in ledger.answers if not answer.version]
    if not lost:
        raise ValueError(f"version {challenger} was told to crash, and no request was lost")
    first = min(answer.at for answer in lost)
    back = next((at for at, weight in weights if at >= first and weight == 0), None)
    if back is None:
        raise ValueError(f"version {challenger} crashed, and its weight was never taken back")
    answered = [answer.at for answer in ledger.answers if answer.version == challenger]
    felt = max(first, back, *(answer.sent for answer in lost), *answered)
    failed = sum(answer.at >= first for answer in ledger.failures)
    return Run(felt - first, failed, rose(weights, first))


def rose(weights: Weights, since: float) -> bool:
    """Whether more was asked for the challenger at any time from then on than at that moment."""
    before = [weight for at, weight in weights if at < since]
    return any(weight > (before[-1] if before else 0) for at, weight in weights if at >= since)
