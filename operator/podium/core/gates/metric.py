"""A metric of the version's run, against limits and against the champion's."""

from math import isfinite

from podium.api.v1alpha1.spec.gates import Limits, MetricGate
from podium.core.evaluations import Dataset
from podium.core.facts import Facts, ModelVersion
from podium.core.gates.result import GateResult, failed, no_champion, passed

_SHOWN = 60  # characters of a dataset's name


def metric(gate: MetricGate, facts: Facts, version: ModelVersion) -> GateResult:
    """Whether a metric of the version's run is within its limits, and beside the champion's."""
    value, problem = value_of(gate.key, version)
    if value is None:
        return failed(problem)
    problem = outside_limits(gate, value, f"{gate.key} of version {version.version}")
    if not problem and gate.max_drop_from_champion is not None and facts.status.champion is not None:
        problem = _dropped(gate, facts, version, value)
    return failed(problem) if problem else passed(f"{gate.key} is {value:g}")


def outside_limits(gate: MetricGate | Limits, value: float, what: str) -> str:
    """Why the value is not within the limits, or an empty text."""
    if gate.at_least is not None and value < gate.at_least:
        return f"{what} is {value:g}; required: at least {gate.at_least:g}"
    if gate.at_most is not None and value > gate.at_most:
        return f"{what} is {value:g}; required: at most {gate.at_most:g}"
    return ""


def value_of(key: str, version: ModelVersion) -> tuple[float | None, str]:
    """The metric's value, or why there is none that counts."""
    value = version.metrics.get(key)
    if value is None:
        return None, f"metric {key} not found in the run of version {version.version}"
    if not isfinite(value):
        return None, f"{key} of version {version.version} is {value}; required: a finite number"
    return value, ""


def _dropped(gate: MetricGate, facts: Facts, version: ModelVersion, value: float) -> str:
    champion, drop = facts.observed.registry.champion, gate.max_drop_from_champion
    if champion is None:
        return f"{gate.key} cannot be compared: {no_champion(facts)}"
    other, problem = value_of(gate.key, champion)
    if other is None:
        return f"it cannot be compared with the champion: {problem}"
    if problem := _of_other_data(gate.key, version, champion):
        return problem
    if drop is not None and value < other - drop:
        return (
            f"{gate.key} of version {version.version} is {value:g}, of champion {champion.version} {other:g}; "
            f"allowed drop: at most {drop:g}"
        )
    return ""


def _of_other_data(key: str, version: ModelVersion, champion: ModelVersion) -> str:
    """Why the two values cannot be compared. Where one side does not name its data, they are compared."""
    ours, theirs = _measured_on(key, version), _measured_on(key, champion)
    if not ours or not theirs or {one.digest for one in ours} == {one.digest for one in theirs}:
        return ""
    return (
        f"{key} cannot be compared with the champion's: version {version.version} was measured on "
        f"{_named(ours)}, version {champion.version} on {_named(theirs)}. Evaluate both on the same dataset"
    )


def _measured_on(key: str, version: ModelVersion) -> tuple[Dataset, ...]:
    known = version.measured_on.get(key)
    return (known,) if known else version.evaluated_on


def _named(datasets: tuple[Dataset, ...]) -> str:
    return " and ".join(f"{shown(one.name)} ({shown(one.digest)})" for one in datasets[:3])


def shown(text: str) -> str:
    """A name from the registry, as a message may hold it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_SHOWN])
