"""From the pods' counters to evidence: only what came since the last look is added, whatever restarts."""

from collections.abc import Iterable

from podium.api.status import Evidence, PodTally, Slot, Tally
from podium.core.facts import Facts, PodSeen

Counted = tuple[Slot, PodSeen]


def baseline(evidence: Evidence, facts: Facts) -> Evidence:
    """Take note of the counters as they are, without counting: what came before the trial's traffic is no evidence."""
    return evidence.model_copy(update={"pods": _ledger(evidence, facts), "seen_at": facts.now})


def counted(evidence: Evidence, facts: Facts, subject: Slot) -> Evidence:
    """Add what each pod has answered since it was last seen.

    A pod of the subject that is new here began at zero, so all of it counts. Any other pod that is new here is only
    taken note of: what it answered before is not known to belong to this trial.
    """
    known = {pod.uid: pod for pod in evidence.pods}
    tallies = {True: evidence.challenger, False: evidence.champion}
    for slot, pod in _pods(facts):
        if pod.counters is None:
            continue
        before = known.get(pod.uid)
        if before is None and slot != subject:
            continue
        tallies[slot == subject] = _added(tallies[slot == subject], before, pod)
    return evidence.model_copy(
        update={
            "challenger": tallies[True],
            "champion": tallies[False],
            "pods": _ledger(evidence, facts),
            "seen_at": facts.now,
        }
    )


def _added(tally: Tally, before: PodTally | None, pod: PodSeen) -> Tally:
    assert pod.counters is not None
    answers, bad = pod.counters.answers, pod.counters.bad
    # Counters below the last ones seen: the process began anew, and counts from zero.
    if before is not None and answers >= before.answers and bad >= before.bad:
        answers, bad = answers - before.answers, bad - before.bad
    return Tally(answers=tally.answers + answers, bad=tally.bad + bad)


def _ledger(evidence: Evidence, facts: Facts) -> list[PodTally]:
    """The last counters of every pod that is still there; one that did not answer this time keeps its old ones."""
    known = {pod.uid: pod for pod in evidence.pods}
    ledger = []
    for slot, pod in _pods(facts):
        if pod.counters is not None:
            ledger.append(PodTally(uid=pod.uid, slot=slot, answers=pod.counters.answers, bad=pod.counters.bad))
        elif pod.uid in known:
            ledger.append(known[pod.uid])
    return ledger


def _pods(facts: Facts) -> Iterable[Counted]:
    for slot, seen in sorted(facts.world.slots.items()):
        for pod in seen.pods:
            yield slot, pod
