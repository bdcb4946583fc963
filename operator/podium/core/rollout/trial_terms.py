"""A new trial, on the terms that the spec has now."""

from podium.api.v1alpha1.source import ModelVersion
from podium.api.v1alpha1.status import Pinned, Trial
from podium.core.analysis.counts import baseline
from podium.core.analysis.criteria import measures
from podium.core.facts import Facts
from podium.core.fingerprints import terms_hash
from podium.core.rollout.circumstances import last_crash
from podium.core.rollout.desired import former_champion, trusts_template
from podium.core.rollout.last_spec import recorded


def new_trial(facts: Facts, subject: Pinned) -> Trial:
    """A trial on the terms of the spec, which begins now: what was answered before is no evidence."""
    spec, trusted = facts.spec, facts.subject is not None and former_champion(facts, subject) is not None
    trial = Trial(
        generation=facts.generation,
        started_at=facts.now,
        terms_hash=terms_hash(spec),
        previously_promoted=trusted,
        tries_template=trusted and not trusts_template(facts, subject),
        steps=spec.rollout.steps,
        guards=spec.rollout.guards,
        false_rollback_rate=spec.rollout.false_rollback_rate,
        false_promotion_rate=spec.rollout.false_promotion_rate,
        detect=spec.rollout.detect,
        consecutive_failures=spec.rollout.consecutive_failures,
        on_inconclusive=spec.rollout.on_inconclusive,
        step_timeout=spec.rollout.step_timeout,
        soak=spec.rollout.soak,
        starting_since=facts.now,
        origin=origin_of(facts, subject),
        spec=recorded(spec),
        earlier_crashes=[
            crash for seen in facts.observed.slots.values() for pod in seen.pods if (crash := last_crash(pod))
        ],
    )
    evidence = baseline(trial.evidence, facts, measures(trial.guards, trial.evidence))
    return trial.model_copy(update={"evidence": evidence})


def origin_of(facts: Facts, subject: ModelVersion) -> str:
    """What logged the version, as far as the registry says so now."""
    known = (facts.observed.registry.desired, facts.observed.registry.champion)
    return next((one.origin for one in known if one is not None and one.version == subject.version), "")
