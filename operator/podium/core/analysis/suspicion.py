"""The suspicion: a version failed a guard and lost its traffic, and the champion has not answered enough to tell why.

It is a value in the status, and holds nothing up: a commit of another version, or of other guards, ends it and begins
at once. Until `until`, the champion's answers since then are added to those that it gave beside the version.
"""

from podium.api.v1alpha1.evidence import Counts, Evidence, TestState
from podium.api.v1alpha1.outage import Suspicion
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.status import Pinned, Trial, Verdict
from podium.core.analysis import guards
from podium.core.analysis.blame import Blame, blame
from podium.core.analysis.counts import accumulate, baseline
from podium.core.analysis.criteria import criteria, measures
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.shared_outage import limits_of_errors
from podium.core.analysis.tests import state_of
from podium.core.experiment import named_version
from podium.core.facts import Facts
from podium.core.fingerprints import rejection_hash


def begin(facts: Facts, trial: Trial, verdict: Verdict) -> Suspicion:
    """The suspicion that follows this verdict, with what both sides have answered since it began."""
    subject = facts.subject
    assert subject is not None, verdict
    failed = [finding for result in guards.judged(facts) for finding in result.findings if finding.state == "Failed"]
    asked = list({finding.criterion.guard.name: finding.criterion.guard for finding in failed}.values())
    tests = [state_of(trial.evidence, finding.criterion).model_copy(update={"state": ""}) for finding in failed]
    return of(facts, trial, subject, verdict, failed=asked, tests=tests)


def of(
    facts: Facts, trial: Trial, version: Pinned, verdict: Verdict, *, failed: list[Guard], tests: list[TestState]
) -> Suspicion:
    """The suspicion of a version by the guards that failed, with what their tests have seen; of none: by its errors."""
    suspected = failed or limits_of_errors(trial)
    return Suspicion(
        **version.identity,
        reason=verdict.reason,
        message=verdict.message,
        since=facts.now,
        until=facts.now + trial.step_timeout,
        rejection_hash=rejection_hash(facts.spec, verdict.reason),
        guards=suspected,
        false_rollback_rate=trial.false_rollback_rate,
        false_promotion_rate=trial.false_promotion_rate,
        tests=tests or _all_bad(suspected, trial),
        evidence=baseline(Evidence(), facts, measures(suspected, Evidence())),
    )


def _all_bad(suspected: list[Guard], trial: Trial) -> list[TestState]:
    """Bad answers in a row end a trial without a test: that so many were all bad is what is known of the version."""
    seen = Counts(answers=trial.consecutive_failures, bad=trial.consecutive_failures)
    return [TestState(criterion=one.name, state="", challenger=seen) for one in asked_of(suspected)]


def asked_of(suspected: list[Guard]) -> list[Criterion]:
    """The criteria that the champion can fail as well: those beside the champion compare with it already."""
    return [one for guard in suspected for one in criteria(guard, Evidence()) if not one.beside_champion]


def updated(known: Suspicion, facts: Facts) -> Suspicion | None:
    """The suspicion after one more reconcile; None once Git or the registry names something else."""
    champion = facts.status.champion
    if champion is None or not _relevant(known, facts):
        return None
    return counted(known, facts, champion)


def counted(known: Suspicion, facts: Facts, champion: Pinned) -> Suspicion:
    """The suspicion with what the champion has answered since the last reconcile."""
    if not facts.evaluable:
        return known
    wanted = measures(known.guards, Evidence())
    evidence, _ = accumulate(known.evidence, facts, champion.slot, wanted)
    return known.model_copy(update={"evidence": evidence})


def _relevant(known: Suspicion, facts: Facts) -> bool:
    """Whether a rejection would still be about what Git says: the version, and what it failed for."""
    found, named = facts.observed.registry.desired, named_version(facts.spec, facts.status) or known.version
    desired = (found.version, found.digest) if found is not None else (named, known.digest)
    same = desired == (known.version, known.digest) and known.of_model(facts.spec.model.name)
    return same and known.rejection_hash == rejection_hash(facts.spec, known.reason)


def champion_of(known: Suspicion, criterion: Criterion) -> Counts:
    """What the champion has answered since the suspicion began. It is the subject here: see SharedOutage."""
    before = next((test.champion for test in known.tests if test.criterion == criterion.name), Counts())
    return before + known.evidence.measured(criterion.measure.name).challenger


def blamed(known: Suspicion) -> Blame:
    """Whose fault it is by now: the version's own where one failed criterion shows that, shared where all do."""
    tests = {test.criterion: test for test in known.tests}
    found = [
        blame(
            tests[one.name].challenger,
            champion_of(known, one),
            one.limit,
            alpha=known.false_rollback_rate,
            beta=known.false_promotion_rate,
        )
        for one in asked_of(known.guards)
        if one.name in tests
    ]
    if "Own" in found or not found:
        return "Own"
    return "Shared" if set(found) == {"Shared"} else "Unknown"
