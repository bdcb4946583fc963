"""Checks of the gates that a version passes before any pod of it runs."""

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Verdict
from podium.core import gates
from podium.core.facts import Facts
from podium.core.rollout.desired import former_champion, trusts_template


def previously_promoted(facts: Facts) -> Verdict | None:
    """It was champion before, with the same digest: trusted."""
    subject = facts.subject
    if subject is None or former_champion(facts, subject) is None:
        return None
    skipped = "gates and steps" if trusts_template(facts, subject) else "gates, and is tried with another pod template"
    message = f"version {subject.version} was champion before with the same digest: it skips {skipped}"
    return Verdict(reason=reasons.PREVIOUSLY_PROMOTED, message=message)


def gate_failed(facts: Facts) -> Verdict | None:
    """A gate has failed: no pod is started."""
    problems = gates.messages("Failed", facts)
    return Verdict(reason=reasons.GATES_FAILED, message="; ".join(problems)) if problems else None


def gates_pending(facts: Facts) -> Verdict | None:
    """No gate fails, and some wait for a person, a pod, a service or time."""
    waiting = gates.messages("Pending", facts) if gate_failed(facts) is None else []
    return Verdict(reason=reasons.GATES_PENDING, message="; ".join(waiting)) if waiting else None


def gates_passed(facts: Facts) -> Verdict | None:
    """Every gate has passed."""
    unknown = facts.observed.registry.desired is None
    if unknown or any(result.state != "Passed" for result in gates.checked(facts)):
        return None
    names = ", ".join(gate.name for gate in facts.spec.gates)
    return Verdict(
        reason=reasons.GATES_PASSED, message=f"all gates passed: {names}" if names else "the spec has no gates"
    )
