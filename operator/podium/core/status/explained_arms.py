"""What is to be said of the arms of an experiment, as plain values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ArmExplanation:
    """One challenger of an experiment."""

    version: str
    slot: str
    role: str  # Challenger, Best, Beaten or Out
    weight: int  # percent, while it is judged
    answers: int
    bad: int
    good: int | None  # of what the metric counts; None without a metric
    counted: int | None  # all of it
    reason: str  # why it is out; "" otherwise
    message: str
