"""The watch of a champion after its soak: every limit of the version alone, tested for as long as it is champion.

There is no other version beside it, so nothing is compared; and there is no end, so what is bounded is the mean time to
a false alarm (`sequential.run_length`), not the chance of one. Looks are far apart, and come sooner once there is a
suspicion. While a failure stands, nothing is tested: a run of answers below every limit ends it, and the tests begin
again.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import isfinite
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.after_soak import ChampionFailure, ChampionWatch
from podium.api.v1alpha1.evidence import Counts, Evidence, TestState
from podium.api.v1alpha1.spec.after_soak import AfterSoak
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase, Pinned
from podium.core.analysis.counts import accumulate, baseline, read_now
from podium.core.analysis.criteria import criteria, measures
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.guards import CriterionResult
from podium.core.analysis.sequential import Block, RunLength, proves_below, unearned
from podium.core.analysis.shared_outage import run_of, without_bad_runs
from podium.core.analysis.tests import DIGITS, NOT_EVALUATED, error_text
from podium.core.facts import Facts
from podium.core.fingerprints import watch_hash

SOON: Final = timedelta(seconds=1)  # between two looks while a guard is under suspicion
_BLIND_LOOKS: Final = 4
QUIET: Final = timedelta(minutes=10)  # without a crash, a loop of crashes is over: kubelet forgets it then, too
_NONE: Final = timedelta()


def watched(facts: Facts, tripped: ChampionFailure | None) -> ChampionWatch | None:
    """The watch after this look; None where the champion is not watched: without the field, and in its soak.

    `tripped` is what a single fact says of the champion now.
    """
    asked, champion, known = facts.spec.rollout.after_soak, facts.status.champion, _last_known(facts)
    trial = facts.status.trial
    if known is not None and trial is not None and trial.recovers is not None:
        return known  # what it found is being acted on: it stays as it was found
    if asked is None or champion is None or facts.status.phase is Phase.SOAKING:
        return None
    if known is None or not _goes_on(known, champion, facts.spec):
        return _begun(facts, champion, _still_asked(known, champion, facts.spec))
    if not facts.evaluable or not is_due(facts.spec, known, facts.now):
        return known
    known = _with_unread(known, facts, champion)
    if known.failure is not None:
        lasts = tripped is not None or _crashed_lately(known.failure, facts, champion)
        return _after_failure(known, facts, champion, lasts=lasts)
    tested = _tested(known, asked, facts, champion)
    return tested if tested.failure is not None or tripped is None else _failed(tested, tripped)


def is_due(spec: Spec, known: ChampionWatch | None, now: datetime) -> bool:
    """Whether the pods are to be asked now; so they are where a clock went back, and the last look is yet to come."""
    asked = spec.rollout.after_soak
    return asked is not None and (known is None or next_look(known, asked) <= now or _looked(known) > now)


def is_blind(known: ChampionWatch, asked: AfterSoak, now: datetime) -> bool:
    """Whether nothing could be read for a guard at several looks in a row: it is not known whether it is kept."""
    return known.unread_since is not None and now - known.unread_since >= _BLIND_LOOKS * asked.interval


def next_look(known: ChampionWatch, asked: AfterSoak) -> datetime:
    """When its pods are asked next."""
    suspected = known.failure is None and any(test.challenger.answers for test in known.evidence.tests)
    return _looked(known) + (min(SOON, asked.interval) if suspected else asked.interval)


def _looked(known: ChampionWatch) -> datetime:
    return known.evidence.observed_at or known.since


def criteria_alone(guards: Sequence[Guard]) -> list[Criterion]:
    """The limits of a version alone."""
    return [one for guard in guards for one in criteria(guard, Evidence()) if not one.beside_champion]


def _with_unread(known: ChampionWatch, facts: Facts, champion: Pinned) -> ChampionWatch:
    """The watch with the guards for which no pod, and no store, gave anything at this look."""
    read = read_now(facts, champion.slot, measures(known.guards, Evidence()))
    unread = {one.guard.name: None for one in criteria_alone(known.guards) if one.measure.name not in read}
    since = (known.unread_since or facts.now) if unread else None
    return known.model_copy(update={"unread": list(unread), "unread_since": since})


def _last_known(facts: Facts) -> ChampionWatch | None:
    newer, written = facts.newer_watch, facts.status.after_soak
    return newer.watch if newer is not None and newer.goes_on(written) else written


def _goes_on(known: ChampionWatch, champion: Pinned, spec: Spec) -> bool:
    return known.same_version(champion) and known.terms_hash == watch_hash(spec)


def _still_asked(known: ChampionWatch | None, champion: Pinned, spec: Spec) -> ChampionFailure | None:
    """The failure that stands under other terms too: what it failed is limited as it was."""
    if known is None or known.failure is None or not known.same_version(champion):
        return None
    was = [guard for guard in known.guards if guard.name in known.failure.guards]
    return known.failure if all(guard in spec.rollout.guards for guard in was) else None


def _begun(facts: Facts, champion: Pinned, failure: ChampionFailure | None) -> ChampionWatch:
    guards = [guard for guard in facts.spec.rollout.guards if guard.limits_alone]
    return ChampionWatch(
        **champion.identity,
        since=facts.now,
        terms_hash=watch_hash(facts.spec),
        guards=guards,
        false_promotion_rate=facts.spec.rollout.false_promotion_rate,
        evidence=baseline(Evidence(), facts, measures(guards, Evidence())),
        failure=failure,
    )


# --- while every guard is kept ----------------------------------------------------------------------------------------


def _tested(known: ChampionWatch, asked: AfterSoak, facts: Facts, champion: Pinned) -> ChampionWatch:
    """Every test takes the answers since the last look."""
    judged = criteria_alone(known.guards)
    evidence, blocks = accumulate(known.evidence, facts, champion.slot, measures(known.guards, Evidence()))
    length = asked.false_alarm_interval.total_seconds() * max(1, len(judged))
    passed = max(_NONE, facts.now - (known.evidence.observed_at or facts.now)).total_seconds()
    states = {state.criterion: state for state in known.evidence.tests}
    usual = asked.interval.total_seconds() / length
    tests, failed = [], []
    for one in judged:
        before = states.get(one.name) or TestState(criterion=one.name, state="")
        after, alarms = _seen(before, one, blocks[one.measure.name], passed / length, usual)
        tests.append(after)
        failed += [(one, after)] if alarms else []
    evidence = evidence.model_copy(update={"tests": tests, "measures": []})
    seen = known.model_copy(update={"evidence": evidence})
    return _failed(seen, _failure(failed, facts)) if failed else seen


def _failed(known: ChampionWatch, failure: ChampionFailure) -> ChampionWatch:
    """The tests are over until the failure is."""
    evidence = known.evidence.model_copy(update={"tests": [], "measures": []})
    return known.model_copy(update={"evidence": evidence, "failure": failure})


def _seen(
    before: TestState, criterion: Criterion, block: Block, capital: float, usual: float
) -> tuple[TestState, bool]:
    """The state after one look, and whether it alarms. One that cannot be evaluated begins again, and says why."""
    try:
        test = RunLength(criterion.limit, _read(before.state))
        test = test.see(block.challenger_bad, block.challenger_good, capital, unearned(usual))
    except NOT_EVALUATED as error:
        return TestState(criterion=criterion.name, state="", error=error_text(error)), False
    came = Counts(answers=block.challenger_bad + block.challenger_good, bad=block.challenger_bad)
    since = before.challenger + came if test.suspects(usual) else Counts()
    return TestState(criterion=criterion.name, state=_written(test), challenger=since), test.alarms


def _written(test: RunLength) -> str:
    return json.dumps([float(f"{held:.{DIGITS}g}") for held in test.wealth], separators=(",", ":"))


def _read(state: str) -> tuple[float, ...]:
    wealth = tuple(json.loads(state)) if state else ()
    assert all(map(isfinite, wealth)), "the state of a test in the status is no list of numbers"
    return wealth


def _failure(failed: Sequence[tuple[Criterion, TestState]], facts: Facts) -> ChampionFailure:
    return ChampionFailure(
        since=facts.now,
        reason=reasons.GUARD_FAILED,
        message="; ".join(_sentence(one, state.challenger) for one, state in failed),
        guards=list(dict.fromkeys(one.guard.name for one, _ in failed)),
        tests=[state.model_copy(update={"state": ""}) for _, state in failed],
    )


def _sentence(criterion: Criterion, counts: Counts) -> str:
    """The counts and the limit, as a trial tells them."""
    told = CriterionResult(criterion, counts, Counts(), counts, state="Failed", exposed=0, enough=0)
    return told.message


# --- while one is failed ----------------------------------------------------------------------------------------------


def _after_failure(known: ChampionWatch, facts: Facts, champion: Pinned, *, lasts: bool) -> ChampionWatch:
    """A run of its answers that are below every limit ends the failure; the run restarts whenever its share is not.

    While the failure `lasts` whatever is answered, no run begins.
    """
    judged = criteria_alone(known.guards)
    evidence, _ = accumulate(known.evidence, facts, champion.slot, measures(known.guards, Evidence()))
    begins_again = evidence.model_copy(update={"measures": []})
    if lasts:
        return known.model_copy(update={"evidence": begins_again})
    evidence = without_bad_runs(evidence, judged)
    if not all(_is_kept(one, evidence, known.false_promotion_rate) for one in judged):
        return known.model_copy(update={"evidence": evidence})
    return known.model_copy(update={"evidence": begins_again, "failure": None})


def _crashed_lately(failure: ChampionFailure, facts: Facts, champion: Pinned) -> bool:
    """Whether pods that crash again and again may do so again: good answers between two crashes end no loop."""
    pods = facts.observed.slot(champion.slot).pods if failure.reason == reasons.CRASHED else ()
    ends = [pod.crash.at for pod in pods if pod.made_for(champion) and pod.crash is not None]
    return any(facts.now - at < QUIET for at in ends)


def _is_kept(criterion: Criterion, evidence: Evidence, beta: float) -> bool:
    run = run_of(criterion, evidence)
    return proves_below(run.bad, run.answers - run.bad, criterion.limit, beta)
