"""Tags that the version, or its run, must carry."""

from podium.api.v1alpha1.spec.gates import TagsGate
from podium.core.facts import Facts, ModelVersion
from podium.core.gates.patterns import matches
from podium.core.gates.result import GateResult, failed, passed


def tags(gate: TagsGate, _: Facts, version: ModelVersion) -> GateResult:
    """Whether the version's tags are there and match their patterns."""
    patterns = gate.patterns or {}
    required = [*(gate.required or []), *(key for key in patterns if key not in (gate.required or []))]
    missing = [key for key in required if not version.tags.get(key, "").strip()]
    unlike = [key for key in patterns if key not in missing and not matches(patterns[key], version.tags[key])]
    problems = [f"tag {key} of version {version.version} does not match {patterns[key]}" for key in unlike]
    if missing:
        problems.insert(0, f"tags missing or empty on version {version.version} and its run: {', '.join(missing)}")
    return failed("; ".join(problems)) if problems else passed(f"tags present: {', '.join(required)}")
