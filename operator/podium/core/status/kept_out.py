"""Messages about a version that Git names and Podium does not try: rejected by its trial, or aborted by a person."""

from podium.api.v1alpha1.status import TemplateRejection
from podium.core.facts import Facts
from podium.core.rollout.desired import standing_rejection
from podium.core.rollout.steering import abort_of, signed, standing_abort, unanswered
from podium.core.rollout.templates import rejected_version
from podium.core.status.serving import serving_text

_NOTHING = "no version serves: there was no champion before"


def rejected_text(facts: Facts) -> str:
    """Which version is rejected, what serves, and what gives it another try."""
    lost = standing_rejection(facts)
    if lost is None:
        return facts.status.message
    template = "pod template (spec.serving), " if isinstance(lost, TemplateRejection) else ""
    hint = f"change version, {template}gates or guards, or set spec.rollout.retry, to try again"
    return f"{rejected_version(lost)} is rejected: {lost.message}; {serving_text(facts) or _NOTHING}; {hint}"


def aborted_text(facts: Facts) -> str:
    """Which version a person keeps out, what serves, and what lets it in again."""
    abort = standing_abort(facts)
    if abort is None:
        return facts.status.message
    hint = "remove spec.rollout.abort to try it again, or name another version"
    return f"version {abort.version} is aborted{signed(abort)}; {serving_text(facts) or _NOTHING}; {hint}"


def not_aborted(facts: Facts) -> str:
    """Why an abort does nothing; "" where there is none, or it does."""
    subject = facts.subject
    if subject is None or abort_of(facts, subject) is None or not unanswered(facts):
        return ""
    return f"; spec.rollout.abort does nothing yet: no other version than {subject.version} can answer"
