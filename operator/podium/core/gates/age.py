"""The time since the version was registered."""

from podium.api.v1alpha1.spec.gates import AgeGate
from podium.api.v1alpha1.values.base import format_duration, format_time
from podium.core.facts import Facts, ModelVersion
from podium.core.gates.result import GateResult, failed, passed, pending


def age(gate: AgeGate, facts: Facts, version: ModelVersion) -> GateResult:
    """Whether the version was registered long enough ago, and not too long."""
    if version.created is None:
        return failed(f"the registry has no registration time for version {version.version}")
    registered = f"version {version.version} was registered at {format_time(version.created)}"
    old = facts.now - version.created
    if gate.at_most is not None and old > gate.at_most:
        return failed(f"{registered}; required: at most {format_duration(gate.at_most)} ago. Register a new version")
    if gate.at_least is not None and old < gate.at_least:
        until = format_time(version.created + gate.at_least)
        return pending(f"{registered}; required: at least {format_duration(gate.at_least)} ago, reached at {until}")
    return passed(registered)
