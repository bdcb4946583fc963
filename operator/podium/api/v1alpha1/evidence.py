"""What was counted of a trial's pods: the part of the status that a judge goes on from."""

from typing import Final, Literal, get_args

from pydantic import ConfigDict, Field

from podium.api.v1alpha1.values.base import Time, Value

# Champion and challenger have `a` and `b`; the arms of an experiment have the others, in the order of the spec.
Slot = Literal["a", "b", "arm-1", "arm-2", "arm-3", "arm-4", "arm-5", "arm-6", "arm-7", "arm-8"]
ARM_SLOTS: Final[tuple[Slot, ...]] = get_args(Slot)[2:]


class StatusValue(Value):
    """A part of the status. Unknown fields are ignored: a newer operator may have written them."""

    model_config = ConfigDict(extra="ignore")


class Counts(StatusValue):
    """Answers counted as evidence. Client errors are not answers in this sense."""

    answers: int = Field(0, ge=0, description="Answers that count as evidence, good and bad.")
    bad: int = Field(0, ge=0, description="Those that failed through the version's own fault.")

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(answers=self.answers + other.answers, bad=self.bad + other.bad)


class PodCounts(StatusValue):
    """Last counters seen of one pod, so that only what came since is added."""

    uid: str = Field(description="UID of the pod.")
    slot: Slot = Field(description="Slot that it belongs to.")
    counts: dict[str, Counts] = Field({}, description="Its totals, by measure.")


class MeasureCounts(StatusValue):
    """What both sides answered, as one measure counts it."""

    measure: str = Field(description="What is counted: errors, invalid, slower than 0.12 s …")
    challenger: Counts = Field(Counts(), description="What the challenger answered.")
    champion: Counts = Field(Counts(), description="What the champion answered in the same time.")


class ReferenceQuantiles(StatusValue):
    """What a guard compares at, read from the champion once and kept for the whole trial."""

    guard: str = Field(description="Name of the guard.")
    edges: tuple[float, ...] = Field((), description="Values at which the two distributions are compared.")
    classes: tuple[str, ...] = Field((), description="Classes whose shares are compared.")
    shares: tuple[float, ...] = Field(
        (), description="The champion's share of answers above each edge, or of each class, when it was read."
    )


class TestState(StatusValue):
    """The state of one sequential test."""

    criterion: str = Field(description="The guard and what it compares.")
    state: str = Field(description="Internal numbers of the test; not for people.")
    challenger: Counts = Field(Counts(), description="What the challenger answered since it has been under suspicion.")
    champion: Counts = Field(Counts(), description="What the champion answered in the same time.")
    error: str = Field(
        "", max_length=300, description="Why the test could not be evaluated; its guard is Inconclusive meanwhile."
    )


class SampleRatio(StatusValue):
    """Whether requests reach both sides in the shares of the weights in force. If not, no comparison is fair."""

    weight: float = Field(description="The challenger's share of the traffic in force, in percent.")
    since: Time = Field(description="Since when it is in force, as far as is known. Requests count a while later.")
    challenger: int = Field(0, ge=0, description="Requests that reached the challenger since then.")
    champion: int = Field(0, ge=0, description="Those that reached the champion.")
    needed: int = Field(0, ge=0, description="How many requests proved a mismatch; so many have to agree to end it.")
    mismatch: str = Field("", max_length=600, description="What contradicts the weight; empty where nothing does.")


class Evidence(StatusValue):
    """What the trial's pods have answered since the challenger got its first traffic."""

    measures: list[MeasureCounts] = Field([], description="Counts of both sides, by measure.")
    pods: list[PodCounts] = Field([], description="Last counters seen, by pod.")
    baselines: list[ReferenceQuantiles] = Field(
        [], description="The champion's reference quantiles, at which guards on distributions compare."
    )
    tests: list[TestState] = Field([], description="State of the sequential test of each criterion.")
    observed_at: Time | None = Field(None, description="When these counts were taken.")
    first_answers: bool = Field(
        False,
        description="True where comparisons with the champion count only answers whose side was drawn for each.",
    )
    sample_ratio: SampleRatio | None = Field(
        None, description="How the requests are shared beside how they should be; absent without a comparison."
    )

    @property
    def mismatch(self) -> str:
        """Why no comparison with the champion is fair; "" where none is known to be unfair."""
        return self.sample_ratio.mismatch if self.sample_ratio is not None else ""

    def measured(self, measure: str) -> MeasureCounts:
        """The counts of one measure; none where it has not been seen."""
        known = next((each for each in self.measures if each.measure == measure), None)
        return known or MeasureCounts(measure=measure)


class GuardRecord(StatusValue):
    """The result of one guard when a trial was decided."""

    guard: str = Field(description="Name of the guard.")
    verdict: str = Field(description="Passed, Failed or Inconclusive.")
    message: str = Field(description="Counts and limits, in one sentence.")
    challenger: Counts = Field(Counts(), description="What was counted of the challenger.")
    champion: Counts = Field(Counts(), description="What was counted of the champion in the same time.")
    limit: float = Field(0, description="The limit, or the margin beside the champion, as a share.")
