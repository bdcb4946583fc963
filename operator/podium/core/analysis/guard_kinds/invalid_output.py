"""The share of answers that are no predictions."""

from podium.core.analysis.guard_kinds.kind import limited
from podium.core.analysis.measures import INVALID

INVALID_OUTPUT = limited("invalid_output", lambda _: INVALID, simulated="invalid")
