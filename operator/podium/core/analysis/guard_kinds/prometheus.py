"""The share of what Prometheus counts."""

from podium.core.analysis.guard_kinds.kind import limited
from podium.core.analysis.measures import counted_elsewhere

PROMETHEUS = limited("prometheus", lambda guard: counted_elsewhere(guard.name))
