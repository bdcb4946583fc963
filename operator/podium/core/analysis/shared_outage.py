"""The shared outage: the champion fails a guard as well, so that no version can be judged.

A challenger that failed such a guard loses its traffic but is not rejected: its trial restarts once the champion
passes the guard again. That is verified on a run of answers, which restarts whenever its share is above the limit.
"""

from podium.api.v1alpha1.evidence import Counts, Evidence
from podium.api.v1alpha1.outage import SharedOutage, Suspicion
from podium.api.v1alpha1.spec.guards import ErrorRateGuard, Guard
from podium.api.v1alpha1.status import Trial, Verdict
from podium.core.analysis import guards
from podium.core.analysis.counts import accumulate
from podium.core.analysis.criteria import criteria, measures
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.sequential import proves_below
from podium.core.facts import Facts
from podium.core.fingerprints import fingerprints

NOT_REJECTED = "likely a shared dependency, so the version is not rejected"
ANSWERS = Guard(name="errors", error_rate=ErrorRateGuard(at_most=0.01))  # where the trial had no guard of its own on it


def begin(facts: Facts, trial: Trial, verdict: Verdict) -> SharedOutage:
    """The outage that begins: the champion has to pass the failed guards again, or else those that limit errors."""
    broken = [result.guard for result in guards.judged(facts) if result.state == "Failed"]
    subject = facts.subject
    evidence = Evidence(pods=trial.evidence.pods, observed_at=trial.evidence.observed_at)
    return SharedOutage(
        since=facts.now,
        message=verdict.message,
        version=subject.version if subject else "",
        digest=subject.digest if subject else "",
        guards=broken or limits_of_errors(trial),
        spec_hash=fingerprints(facts).whole,
        false_promotion_rate=trial.false_promotion_rate,
        evidence=evidence,
    )


def limits_of_errors(trial: Trial) -> list[Guard]:
    """The trial's guards that limit errors, or else the usual limit."""
    errors = [guard for guard in trial.guards if guard.error_rate is not None and guard.error_rate.at_most is not None]
    return errors or [ANSWERS]


def after(suspicion: Suspicion, facts: Facts, message: str) -> SharedOutage:
    """The outage that a suspicion turned out to be."""
    pods = suspicion.evidence.pods
    return SharedOutage(
        since=suspicion.since,
        message=message,
        version=suspicion.version,
        digest=suspicion.digest,
        guards=suspicion.guards,
        spec_hash=fingerprints(facts).whole,
        false_promotion_rate=suspicion.false_promotion_rate,
        evidence=Evidence(pods=pods, observed_at=suspicion.evidence.observed_at),
    )


def updated(outage: SharedOutage, facts: Facts) -> SharedOutage | None:
    """The outage after one more reconcile; None once the champion has recovered, or the spec or the alias changed."""
    champion = facts.status.champion
    if champion is None or outage.spec_hash != fingerprints(facts).whole or _of_another(outage, facts):
        return None
    against_limits = [one for guard in outage.guards for one in criteria(guard, Evidence()) if not one.beside_champion]
    measured = measures(outage.guards, Evidence())
    evidence, _ = accumulate(outage.evidence, facts, champion.slot, measured)
    evidence = without_bad_runs(evidence, against_limits)
    if all(_holds(criterion, evidence, outage.false_promotion_rate) for criterion in against_limits):
        return None
    return outage.model_copy(update={"evidence": evidence})


def _of_another(outage: SharedOutage, facts: Facts) -> bool:
    """Whether an alias has moved since to a version that may be a fixed one: it is tried."""
    found = facts.observed.registry.desired
    return (
        found is not None and bool(outage.digest) and (found.version, found.digest) != (outage.version, outage.digest)
    )


def without_bad_runs(evidence: Evidence, against_limits: list[Criterion]) -> Evidence:
    """The evidence without runs whose share is above their limit: they restart."""
    limits = {criterion.measure.name: criterion.limit for criterion in against_limits}
    kept = [
        each
        for each in evidence.measures
        if each.challenger.bad <= limits.get(each.measure, 1.0) * each.challenger.answers
    ]
    return evidence.model_copy(update={"measures": kept})


def _holds(criterion: Criterion, evidence: Evidence, beta: float) -> bool:
    run = run_of(criterion, evidence)
    return proves_below(run.bad, run.answers - run.bad, criterion.limit, beta)


def run_of(criterion: Criterion, evidence: Evidence) -> Counts:
    """The champion's answers of the present run: here it is the subject, and stands in the challenger's place."""
    return evidence.measured(criterion.measure.name).challenger
