"""Gates: each a question about the registry's facts. All are asked, and every failure is told."""

from math import isfinite

from podium.api.gates import Gate, MetricGate, TagsGate
from podium.core.facts import Facts, ModelVersion


def failures(facts: Facts, version: ModelVersion) -> list[str]:
    """What is in the way of this version, one sentence a gate, in the order of the spec. Empty: all gates hold."""
    found = ((gate, failure(gate, facts, version)) for gate in facts.spec.gates)
    return [f"gate {gate.name}: {problem}" for gate, problem in found if problem]


def failure(gate: Gate, facts: Facts, version: ModelVersion) -> str:
    """Why the gate does not hold, or an empty text."""
    if gate.metric is not None:
        return _metric_failure(gate.metric, facts, version)
    assert gate.tags is not None
    return _tags_failure(gate.tags, version)


def _tags_failure(gate: TagsGate, version: ModelVersion) -> str:
    missing = [key for key in gate.required if not version.tags.get(key, "").strip()]
    if not missing:
        return ""
    return f"tags {', '.join(missing)} are wanted on version {version.version} or its run, and are missing or empty"


def _metric_failure(gate: MetricGate, facts: Facts, version: ModelVersion) -> str:
    value, problem = _value(gate.key, version)
    if value is None:
        return problem
    if gate.at_least is not None and value < gate.at_least:
        return f"{gate.key} of version {version.version} is {value:g}, at least {gate.at_least:g} is wanted"
    if gate.at_most is not None and value > gate.at_most:
        return f"{gate.key} of version {version.version} is {value:g}, at most {gate.at_most:g} is wanted"
    if gate.max_drop_from_champion is not None and facts.status.champion is not None:
        return _drop_failure(gate, facts, version, value)
    return ""


def _drop_failure(gate: MetricGate, facts: Facts, version: ModelVersion, value: float) -> str:
    champion, drop = facts.world.registry.champion, gate.max_drop_from_champion
    if champion is None:
        return f"{gate.key} cannot be compared: the registry does not know the champion's version any more"
    other, problem = _value(gate.key, champion)
    if other is None:
        return f"it cannot be compared with the champion: {problem}"
    if drop is not None and value < other - drop:
        return (
            f"{gate.key} of version {version.version} is {value:g}, the champion's (version {champion.version}) is "
            f"{other:g}, a drop of at most {drop:g} is tolerated"
        )
    return ""


def _value(key: str, version: ModelVersion) -> tuple[float | None, str]:
    value = version.metrics.get(key)
    if value is None:
        return None, f"{key} is wanted, and the run of version {version.version} has no such metric"
    if not isfinite(value):
        return None, f"{key} of version {version.version} is {value}, a finite number is wanted"
    return value, ""
