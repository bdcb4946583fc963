"""The share of failed answers."""

from podium.core.analysis.guard_kinds.kind import limited
from podium.core.analysis.measures import ERRORS

ERROR_RATE = limited("error_rate", lambda _: ERRORS, simulated="errors")
