"""A shadow step's words between the operator and the champion's pods: what is copied, and how the pairs came out."""

from dataclasses import dataclass

from podium.core.identity import Identity


@dataclass(frozen=True)
class ShadowOrder:
    """What the champion's pods are told: to copy this share of their requests to the challenger that is named."""

    challenger: Identity
    share: float  # of the requests that the champion answers, 0 to 1
    tolerance: float = 0.0  # up to which two numbers agree, relative to the champion's


@dataclass(frozen=True)
class ShadowPairs:
    """How pairs of answers to the same request came out, since the pod's process began to copy to this challenger."""

    challenger: Identity
    both_good: int = 0
    both_bad: int = 0
    only_challenger_bad: int = 0
    only_champion_bad: int = 0
    compared: int = 0  # of the pairs that are good on both sides: those whose predictions could be compared
    disagreements: int = 0  # of the compared ones: those that differ by more than the tolerance
    slower: int = 0  # of the pairs that are good on both sides: those in which the challenger's model took longer
    faster: int = 0
    dropped: int = 0  # copies that were not sent, or that the challenger did not try: they are in no pair

    @property
    def total(self) -> int:
        """All pairs."""
        return self.both_good + self.both_bad + self.only_challenger_bad + self.only_champion_bad
