"""The environment: circumstances under which the champion breaks a guard as well, so that nobody can be judged.

A challenger that broke such a guard loses its traffic but not its trial: it is tried anew once the champion holds the
guard again. That is proved on a run of answers which begins anew whenever the run's share is above the limit.
"""

from podium.api.guards import ErrorRateGuard, Guard
from podium.api.status import Environment, Evidence, Tally, Trial, Verdict
from podium.core import guards
from podium.core.evidence import proves_below
from podium.core.facts import Facts
from podium.core.questions import Question, measures, questions
from podium.core.tally import counted
from podium.core.terms import said

ANSWERS = Guard(name="errors", error_rate=ErrorRateGuard(at_most=0.01))  # where the trial had no guard of its own on it


def begun(facts: Facts, trial: Trial, verdict: Verdict) -> Environment:
    """What the champion has to hold again: the guards that were broken, or else those that limit errors."""
    broken = [judged.guard for judged in guards.judge(trial) if judged.state == "broken"]
    errors = [guard for guard in trial.guards if guard.error_rate is not None and guard.error_rate.at_most is not None]
    evidence = Evidence(pods=trial.evidence.pods, seen_at=trial.evidence.seen_at)
    return Environment(
        since=facts.now,
        message=verdict.message,
        guards=broken or errors or [ANSWERS],
        said=said(facts.spec),
        beta=trial.beta,
        evidence=evidence,
    )


def watched(environment: Environment, facts: Facts) -> Environment | None:
    """The environment after one more look; None once it is well again, or Git says something new."""
    champion = facts.status.champion
    if champion is None or environment.said != said(facts.spec):
        return None
    asked = [one for guard in environment.guards for one in questions(guard, Evidence()) if not one.beside_champion]
    wanted = measures(environment.guards, Evidence())
    evidence, _ = counted(environment.evidence, facts, champion.slot, wanted)
    evidence = _without_bad_runs(evidence, asked)
    if all(_holds(question, evidence, environment.beta) for question in asked):
        return None
    return environment.model_copy(update={"evidence": evidence})


def _without_bad_runs(evidence: Evidence, asked: list[Question]) -> Evidence:
    limits = {question.measure.name: question.limit for question in asked}
    kept = [
        each
        for each in evidence.measures
        if each.challenger.bad <= limits.get(each.measure, 1.0) * each.challenger.answers
    ]
    return evidence.model_copy(update={"measures": kept})


def _holds(question: Question, evidence: Evidence, beta: float) -> bool:
    run = run_of(question, evidence)
    return proves_below(run.bad, run.answers - run.bad, question.limit, beta)


def run_of(question: Question, evidence: Evidence) -> Tally:
    """The champion's answers of the present run: here it is the subject, and stands in the challenger's place."""
    return evidence.measured(question.measure.name).challenger
