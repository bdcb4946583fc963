"""The status message of each phase: desired, observed, and what would change it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from podium.api.v1alpha1.outage import Suspicion
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.status import Phase, Pinned, Trial
from podium.api.v1alpha1.values.base import format_duration, format_time
from podium.core import gates
from podium.core.analysis import guards
from podium.core.analysis.measures import ERRORS, ONLY_CHALLENGER_BAD, counted_elsewhere
from podium.core.facts import Facts
from podium.core.refusal import named
from podium.core.rollout.circumstances import standing_hold
from podium.core.rollout.desired import desired_version
from podium.core.rollout.hindrances import hindrances
from podium.core.rollout.suspicion_checks import champion_answers
from podium.core.rollout.templates import described, judges_template, on_trial, template_waits
from podium.core.rollout.trial_checks import goal_of
from podium.core.rollout.version_checks import WAITS, slot_taken, unknown_champion
from podium.core.status.alias_texts import alias_conflict_text
from podium.core.status.experiment_text import ended_text, experimenting
from podium.core.status.kept_out import aborted_text, not_aborted, rejected_text
from podium.core.status.readiness import awaits_registry
from podium.core.status.serving import serving_text
from podium.core.status.waits import held_until, outage_passes
from podium.core.traffic.lending import champion_down, former_helps, lent_text
from podium.core.traffic.shares import challenger_pods, step_text

UNDER_WAY = frozenset(Phase) - {Phase.BLOCKED, Phase.REJECTED, Phase.ABORTED, Phase.STABLE}
ENOUGH_FOR_A_RATE = 5  # answers
MINUTE = 60  # seconds
LONGEST = 1024  # the API server keeps longer ones, but no person reads them


def message(facts: Facts) -> str:
    """The status's message: what happens now, and what it waits for."""
    if facts.observed.refusals and facts.status.phase is not Phase.ROLLING_BACK:
        return _not_permitted(facts)
    if facts.observed.alias_conflict is not None:
        return alias_conflict_text(facts)
    awaiting = awaits_registry(facts)
    text = _awaiting_registry(facts) if awaiting else f"{MESSAGES[facts.status.phase](facts)}{not_aborted(facts)}"
    held = facts.spec.paused and (awaiting or facts.status.phase in UNDER_WAY - {Phase.ROLLING_BACK})
    return f"paused: {text}"[:LONGEST] if held else text[:LONGEST]


def _awaiting_registry(facts: Facts) -> str:
    """The desired version is another one since the last rollout: what is known of it, and what serves until then."""
    desired, serving = facts.observed.registry.desired, serving_text(facts) or "nothing serves"
    if desired is None or any(waits(facts) for waits in WAITS):
        return f"{_pending(facts)}; {serving}"
    return f"version {desired.version} of {facts.spec.model.name} is next; {serving}"


def _not_permitted(facts: Facts) -> str:
    """What is refused, cut before what serves is: that is what people in an incident look for."""
    serving = f"; {serving_text(facts) or 'nothing serves'}"
    return f"not permitted: {named(facts.observed.refusals)}"[: LONGEST - len(serving)] + serving


def _pending(facts: Facts) -> str:
    problem, outage = facts.observed.registry.problem, facts.status.shared_outage
    if outage is not None:
        return outage_passes(outage, facts)
    if facts.status.suspected is not None:
        return _suspected(facts.status.suspected, facts)
    if (hold := standing_hold(facts)) is not None:
        return held_until(hold)
    if unknown_champion(facts):
        return "the status was lost: a version serves, and becomes champion once its pods say which one it is"
    if slot_taken(facts):
        waits = f"version {desired_version(facts)} waits until its slot is free of requests and earlier pods"
        return f"{waits}{_in_the_way(facts)}"
    return problem.message if problem else f"querying the registry for {facts.spec.model.name}"


def _suspected(known: Suspicion, facts: Facts) -> str:
    """What decides whether the version is rejected, and until when."""
    until = format_time(known.until.replace(microsecond=0))
    return (
        f"version {known.version} failed a guard: the champion's own answers decide whether it is rejected, not later "
        f"than {until}: {known.message}; {champion_answers(known, facts)} since the suspicion began; "
        f"{serving_text(facts)}"
    )


def _gating(facts: Facts) -> str:
    problem = facts.observed.registry.problem
    if problem is not None:
        return problem.message
    waiting = gates.messages("Pending", facts)
    if waiting:
        return f"version {_version(facts)} waits: {'; '.join(waiting)}"
    return f"checking {len(facts.spec.gates)} gates for version {_version(facts)}"


def _blocked(facts: Facts) -> str:
    failures = gates.messages("Failed", facts)
    if not failures:
        return facts.status.message
    waiting = gates.messages("Pending", facts)
    also = f"; pending: {'; '.join(waiting)}" if waiting else ""
    return f"version {_version(facts)} is blocked: {'; '.join(failures)}{also}"


def _reloading(facts: Facts) -> str:
    subject = facts.status.challenger
    assert subject is not None
    verified, full = facts.observed.slot(subject.slot).verified(subject), facts.spec.serving.size
    text = f"the champion's pods load version {subject.version} in place: {min(verified, full)} of {full} serve it"
    return "; ".join([text, *hindrances(facts, subject)[:2]])


def _starting(facts: Facts) -> str:
    subject = facts.status.challenger
    assert subject is not None
    seen = facts.observed.slot(subject.slot)
    verified, needed = seen.verified(subject), challenger_pods(facts)
    text = f"starting version {subject.version}{_with_template(facts)}"
    text = f"{text}: {verified} of {needed} pods are ready and verified"
    return "; ".join([text, *_testers(facts), *hindrances(facts, subject)[:2]])


def _with_template(facts: Facts) -> str:
    """What is on trial where the version is the champion's own."""
    subject = facts.subject
    return f" with {described(subject.template)}" if subject is not None and judges_template(facts.status) else ""


def _testers(facts: Facts) -> list[str]:
    """By which header testers reach the challenger, and until when no one else does."""
    preview, since = facts.spec.traffic.preview, facts.status.phase_since
    if preview is None or since is None or facts.observed.traffic.overrides.preview is None:
        return []
    until = since + preview.duration
    alone = f", other users not before {format_time(until.replace(microsecond=0))}" if facts.now < until else ""
    return [f"testers reach it by header {preview.header}{alone}"]


def _canary(facts: Facts) -> str:
    trial = facts.status.trial
    assert trial is not None
    judged, shadow = guards.judging(facts), trial.steps[trial.step].shadow is not None
    thing = "pair" if shadow else "answer"
    counts = trial.evidence.measured((ONLY_CHALLENGER_BAD if shadow else ERRORS).name).challenger
    bad = f"only the challenger bad in {counts.bad}" if shadow else _count(counts.bad, "error")
    share = step_text(trial.steps[trial.step], facts.spec)
    step = f"step {trial.step + 1} of {len(trial.steps)}{_with_template(facts)}"
    text = f"{step}, {share}{lent_text(facts)}: {_count(counts.answers, thing)}, {bad}"
    if trial.weight_reached_at is None:
        waits = f"waiting until the weight of this step is in force{_in_the_way(facts)}"
        subject = facts.status.challenger
        return "; ".join([text, waits, *(hindrances(facts, subject)[:2] if subject is not None else [])])
    if mismatch := trial.evidence.mismatch:
        return f"{text}; comparisons with the champion wait: {mismatch}"
    goal = goal_of(trial)
    missing = max((one.missing(goal) for one in judged), default=0)
    waiting = [one.message for one in judged if not one.findings]
    waiting += [f"{guard.name}: {flaw}" for guard in trial.guards if (flaw := _flaw(guard, facts))]
    if not missing:
        return "; ".join([text, *waiting])
    if trial.step_started_at is not None and facts.now - trial.step_started_at >= trial.step_timeout:
        waited = format_duration(trial.step_timeout)
        still = f"about {missing} more {thing}s needed"
        return (
            f"{text}; no verdict after {waited}, too little traffic: {still}, onInconclusive is {trial.on_inconclusive}"
        )
    wanting = guards.most_wanting(judged, goal)
    apart = wanting is not None and (wanting.criterion.measure.first or wanting.criterion.measure.paired)
    counted = wanting.challenger.answers if wanting is not None and apart else counts.answers
    more = f"about {missing} more {wanting.criterion.measure.answers if wanting is not None else 'answers'}"
    return "; ".join([f"{text}; {more}{_at_this_rate(missing, counted, facts)}", *waiting])


def _flaw(guard: Guard, facts: Facts) -> str:
    return facts.observed.count_flaws.get(counted_elsewhere(guard.name).name, "") if guard.prometheus else ""


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _at_this_rate(missing: int, answers: int, facts: Facts) -> str:
    """How long that will take, if the challenger goes on answering as often as it did in the trial so far."""
    trial = facts.status.trial
    began = trial_began(trial) if trial else None
    if trial is None or began is None or trial.evidence.observed_at is None:
        return ""
    passed = (trial.evidence.observed_at - began).total_seconds()
    if answers < ENOUGH_FOR_A_RATE or passed <= 0:
        return ""
    seconds = missing * passed / answers
    return f" ({format_duration(timedelta(seconds=_rounded(seconds)))} at this rate)"


def trial_began(trial: Trial) -> datetime:
    """Since when its answers have been counted: the first step's beginning, as far as that is still known."""
    return trial.step_started_at if trial.step == 0 and trial.step_started_at is not None else trial.started_at


def _rounded(seconds: float) -> int:
    """To two figures: more would be false precision."""
    size = 10 if seconds < MINUTE else MINUTE
    return max(size, round(seconds / size) * size)


def _promoting(facts: Facts) -> str:
    subject = facts.status.challenger
    assert subject is not None
    verified, full = facts.observed.slot(subject.slot).verified(subject), facts.spec.serving.size
    pods = f"{min(verified, full)} of {full} pods are ready and verified"
    why = "".join(f"; {one}" for one in hindrances(facts, subject)[:2])
    return f"moving all traffic to version {subject.version}{_with_template(facts)}: {pods}{why}{_in_the_way(facts)}"


def _soaking(facts: Facts) -> str:
    champion, former, trial = facts.status.champion, facts.status.former, facts.status.trial
    assert champion is not None
    if former is None or trial is None:
        return f"version {champion.version} is champion"
    warm = f"version {former.version}" if not on_trial(facts.status) else f"{described(former.template)}"
    text = f"version {champion.version} is champion{_with_template(facts)}; {warm} stays warm"
    if trial.soaking_since is None:
        text = f"{text}: {_why_no_soak(champion, former, facts)}, so that the soak starts over"
        return "; ".join([text, *hindrances(facts, champion)[:2]])
    ends = trial.soaking_since + trial.soak
    over = facts.spec.paused and facts.now >= ends
    text = f"{text} until {'spec.paused is false' if over else format_time(ends.replace(microsecond=0))}"
    scraped = facts.observed.slot(champion.slot).verified(champion)
    return text if scraped else f"{text}, and for as long as no pod of version {champion.version} can be scraped"


def _why_no_soak(champion: Pinned, former: Pinned, facts: Facts) -> str:
    if not champion_down(facts):
        return f"requests still reach version {former.version}"
    return serving_text(facts) if former_helps(facts) else f"no pod of version {champion.version} is ready"


def _rolling_back(facts: Facts) -> str:
    champion, challenger, trial = facts.status.champion, facts.status.challenger, facts.status.trial
    verdict = trial.verdict if trial else None
    gone = f"from version {challenger.version}{_with_template(facts)}" if challenger else ""
    if champion is None:
        return f"stopping {gone.removeprefix('from ')}: {verdict.message if verdict else ''}"
    why = verdict.message if verdict else ""
    return f"rolling traffic back {gone} to {champion.version}: {why}{_hindered(champion, facts)}{_in_the_way(facts)}"


def _hindered(champion: Pinned, facts: Facts) -> str:
    """What the champion lacks to take all the traffic back."""
    ready, full = facts.observed.slot(champion.slot).ready(champion), facts.spec.serving.size
    if not ready:
        return f"; version {champion.version} has no ready pod"
    return "" if ready >= full else f"; {ready} of {full} pods of version {champion.version} are ready"


def _in_the_way(facts: Facts) -> str:
    problem = facts.observed.traffic.problem
    return f"; {problem.message}" if problem else ""


def _stable(facts: Facts) -> str:
    champion = facts.status.champion
    assert champion is not None
    ready, full = facts.observed.slot(champion.slot).ready(champion), facts.spec.serving.size
    serves = f"version {champion.version} serves" if ready else serving_text(facts)
    text = f"{serves}: {min(ready, full)} of {full} pods are ready"
    why, waits = hindrances(facts, champion)[:2], template_waits(facts)
    text = f"{text}; pods do not start: {'; '.join(why)}" if why else text
    parts = [text, waits.message if waits is not None else "", ended_text(facts)]
    return "; ".join(part for part in parts if part)


MESSAGES: Mapping[Phase, Callable[[Facts], str]] = {
    Phase.PENDING: _pending,
    Phase.GATING: _gating,
    Phase.BLOCKED: _blocked,
    Phase.RELOADING: _reloading,
    Phase.STARTING: _starting,
    Phase.CANARY: _canary,
    Phase.EXPERIMENTING: experimenting,
    Phase.PROMOTING: _promoting,
    Phase.SOAKING: _soaking,
    Phase.ROLLING_BACK: _rolling_back,
    Phase.REJECTED: rejected_text,
    Phase.ABORTED: aborted_text,
    Phase.STABLE: _stable,
}


def _version(facts: Facts) -> str:
    subject = facts.status.challenger
    return subject.version if subject else "?"
