"""What the last reconcile knew, and the status does not say."""

from dataclasses import dataclass
from datetime import datetime

from podium.api.v1alpha1.after_soak import ChampionWatch
from podium.api.v1alpha1.evidence import Evidence
from podium.api.v1alpha1.status import Trial, Verdict


@dataclass(frozen=True)
class Unsaved:
    """Evidence that is newer than the status's, which is not written at every reconcile, and cannot be at times.

    It goes on from what the status held when it was taken, and is worth nothing beside any other status.
    """

    started_at: datetime  # of the trial
    base: datetime | None  # when the evidence in the status was taken
    evidence: Evidence
    verdict: Verdict | None = None  # by which the version lost, where that could not be written

    @classmethod
    def beside(cls, written: Trial, evidence: Evidence, verdict: Verdict | None = None) -> "Unsaved":
        """What is known beside this trial, as it is in the status."""
        return cls(written.started_at, written.evidence.observed_at, evidence, verdict)

    def goes_on(self, trial: Trial) -> bool:
        """Whether the trial in the status still is as it was then."""
        return (self.started_at, self.base) == (trial.started_at, trial.evidence.observed_at)


@dataclass(frozen=True)
class NewerWatch:
    """A watch of the champion that is newer than the status's, which is written once in a while."""

    base: tuple[datetime, datetime | None] | None  # which one the status held when it was taken
    watch: ChampionWatch

    @classmethod
    def beside(cls, written: ChampionWatch | None, watch: ChampionWatch) -> "NewerWatch":
        """What is known beside this watch, as it is in the status."""
        return cls(_mark(written), watch)

    def goes_on(self, written: ChampionWatch | None) -> bool:
        """Whether the watch in the status still is as it was then."""
        return self.base == _mark(written)


def _mark(watch: ChampionWatch | None) -> tuple[datetime, datetime | None] | None:
    return (watch.since, watch.evidence.observed_at) if watch is not None else None
