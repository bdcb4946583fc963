"""What the answers came to. Pure; times are in seconds of the clients' clock, unless a name says milliseconds."""

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from scipy.stats import binom

from demo.ledger import Answer, Ledger

CONFIDENCE = 0.99
Figures = dict[str, Any]


def milliseconds(seconds: float) -> float:
    """Seconds as milliseconds, to a tenth."""
    return round(seconds * 1000, 1)


def p99(ledger: Ledger) -> float:
    """The 99th percentile of the time from when a request was due to its answer, by nearest rank.

    Raises ValueError where there is no answer.
    """
    latencies = sorted(answer.at - answer.sent for answer in ledger.answers)
    if not latencies:
        raise ValueError("expected the latency of answers, found no answer")
    return latencies[ceil(0.99 * len(latencies)) - 1]


def foreign(ledger: Ledger, bad: Collection[str]) -> Sequence[Answer]:
    """Failed requests that none of the bad versions answered: no client was told that they may fail."""
    return [answer for answer in ledger.failures if answer.version not in bad]


def told(answers: Sequence[Answer]) -> str:
    """What failed, for a line of progress."""
    kinds = sorted({f"{answer.status or answer.trouble} of {answer.version or 'none'}" for answer in answers})
    return ", ".join(kinds[:3])


# --- promotions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Promotion:
    """One version's way up."""

    failed: int
    p99: float


def promotions(runs: Sequence[Promotion], quiet: float) -> Figures:
    """`quiet` is the p99 with no rollout under way."""
    median = statistics.median(run.p99 for run in runs)
    return {
        "promotions": len(runs),
        "promotion_failed": sum(run.failed for run in runs),
        "p99_ratio": round(median / quiet, 2),
        "p99_quiet_ms": milliseconds(quiet),
        "p99_median_ms": milliseconds(median),
        "p99_worst_ms": milliseconds(max(run.p99 for run in runs)),
    }


# --- rollbacks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rollback:
    """How a version left the traffic."""

    seconds: float  # from the look that broke the guard to its last answer of any kind
    noticed: float  # from its first failed answer to that look
    own: int  # answers of its own that failed
    saved: int  # requests that it failed, and that the champion answered
    foreign: int  # other requests that failed


def rollback(ledger: Ledger, bad: str, look: float) -> Rollback:
    """Raises ValueError where none of its answers failed."""
    own = [answer.at for answer in ledger.failures if answer.version == bad]
    saved = [answer.at for answer in ledger.saved(bad)]
    if not own and not saved:
        raise ValueError(f"version {bad} was told to fail, and none of its answers failed")
    last = max(answer.at for answer in ledger.answers if bad in {answer.version, answer.failed_by})
    return Rollback(last - look, look - min(own + saved), len(own), len(saved), len(foreign(ledger, {bad})))


def rollbacks(runs: Sequence[Rollback]) -> Figures:
    """The figures of the rollbacks."""
    return {
        "rollbacks": len(runs),
        "rollback_foreign_failures": sum(run.foreign for run in runs),
        "rollback_ms_median": milliseconds(statistics.median(run.seconds for run in runs)),
        "rollback_ms_worst": milliseconds(max(run.seconds for run in runs)),
        "noticed_ms_median": milliseconds(statistics.median(run.noticed for run in runs)),
        "own_failures_median": statistics.median(run.own for run in runs),
        "saved_median": statistics.median(run.saved for run in runs),
    }


# --- shares -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """What a weight came to."""

    weight: int  # percent
    answers: int
    challenger: int  # of these

    @property
    def interval(self) -> tuple[int, int]:
        """How many of the answers are the challenger's in 99 of 100 such counts, if the weight is what it says."""
        low, high = binom.interval(CONFIDENCE, self.answers, self.weight / 100)
        return int(low), int(high)

    @property
    def outside(self) -> bool:
        """Whether the share lies outside its confidence interval."""
        low, high = self.interval
        return not low <= self.challenger <= high


def share(ledger: Ledger, challenger: str, weight: int, since: float, until: float) -> Share:
    """Of the requests that were due in this time. A request that was not answered tells nothing of shares."""
    counted = [a for a in ledger.answers if since <= a.sent < until and a.version]
    return Share(weight, len(counted), sum(answer.version == challenger for answer in counted))


def shares(found: Sequence[Share]) -> Figures:
    """The figures of the shares."""
    return {
        "share_outside_interval": sum(each.outside for each in found),
        "shares": {
            str(each.weight): {"answers": each.answers, "challenger": each.challenger, "interval": each.interval}
            for each in found
        },
    }


# --- chaos ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EndState:
    """What must agree once all is quiet."""

    wanted: str
    champion: str
    alias: str  # version to which the registry's alias points
    weights: Mapping[str, int]  # of the route, by slot
    slot: str  # the champion's
    others: int  # pods of other versions

    @property
    def wrong(self) -> list[str]:
        """What is not as it should be."""
        wanted = {slot: 100 if slot == self.slot else 0 for slot in self.weights}
        claims = {
            f"champion is {self.champion or 'none'}, expected {self.wanted}": self.champion == self.wanted,
            f"the alias is at {self.alias}, champion is {self.champion}": self.alias == self.champion,
            f"weights are {dict(self.weights)}, the champion's slot is {self.slot}": self.weights == wanted != {},
            f"{self.others} pods of other versions are left": not self.others,
        }
        return [claim for claim, holds in claims.items() if not holds]


# --- all of it --------------------------------------------------------------------------------------------------------

FIGURES = {
    "promotion_failed": 0,
    "p99_ratio": None,
    "rollback_foreign_failures": 0,
    "rollback_ms_median": 300,
    "rollback_ms_worst": 1000,
    "share_outside_interval": 0,
    "chaos_failed": 0,
    "chaos_wrong_at_end": 0,
}  # what is expected of each, at most; nothing of the ratio, which the machine's cores decide


def summary(parts: Sequence[Figures]) -> Figures:
    """The figures of the last line; null where a part was left out."""
    every = {name: value for part in parts for name, value in part.items()}
    return {name: every.get(name) for name in FIGURES}


def missed(result: Figures) -> list[str]:
    """The figures that are worse than expected."""
    return [
        f"{name} is {result[name]}, expected at most {limit}"
        for name, limit in FIGURES.items()
        if limit is not None and result[name] is not None and result[name] > limit
    ]
