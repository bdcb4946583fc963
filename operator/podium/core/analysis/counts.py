"""From totals to evidence: only what came since the last reconcile is added, whatever restarts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from podium.api.v1alpha1.evidence import Counts, Evidence, MeasureCounts, PodCounts, Slot
from podium.api.v1alpha1.status import Pinned
from podium.core.analysis.measures import Measure
from podium.core.analysis.sequential import Block
from podium.core.facts import Counters, Facts
from podium.core.identity import Identity

Measures = Mapping[str, Measure]
NOTHING = Counts()


@dataclass(frozen=True)
class Source:
    """A source of counts: a pod, or Prometheus for one side. `counts` is None where it did not answer this time."""

    uid: str
    slot: Slot
    counts: Mapping[str, Counts] | None


@dataclass
class _Gain:
    """What has come since the last reconcile, by measure."""

    challenger: dict[str, Counts] = field(default_factory=dict)
    champion: dict[str, Counts] = field(default_factory=dict)


def baseline(evidence: Evidence, facts: Facts, measures: Measures) -> Evidence:
    """Take note of the counters as they are, without counting: what came before the trial's traffic is no evidence."""
    ledger = _ledger(evidence, _sources(facts, measures))
    return evidence.model_copy(update={"pods": ledger, "observed_at": facts.now})


def accumulate(
    evidence: Evidence, facts: Facts, subject: Slot, measures: Measures
) -> tuple[Evidence, Mapping[str, Block]]:
    """Add what each source has counted since it was last seen; what came is also given by itself, as blocks.

    A pod of the subject that is new here began at zero, so all of it counts. Anything else that is new here is only
    taken note of: what it counted before is not known to belong to this trial.
    """
    known, gain = {pod.uid: pod for pod in evidence.pods}, _Gain()
    sources = tuple(_sources(facts, measures))
    for source in sources:
        before, mine = known.get(source.uid), source.slot == subject
        for name, now in (source.counts or {}).items():
            measure = measures[name]
            side = gain.challenger if mine or measure.paired else gain.champion
            began_at_zero = measure.from_zero and (before is not None or mine)
            came = _since(before.counts.get(name) if before else None, now, began_at_zero, new=before is None)
            side[name] = side.get(name, NOTHING) + came
    blocks = {name: _block(gain, name) for name in measures}
    totals_by_measure = [_added(evidence.measured(name), gain) for name in measures]
    update = {"measures": totals_by_measure, "pods": _ledger(evidence, sources), "observed_at": facts.now}
    return evidence.model_copy(update=update), blocks


def read_now(facts: Facts, slot: Slot, measures: Measures) -> frozenset[str]:
    """The measures that a source of the slot has given this time."""
    sources = (source for source in _sources(facts, measures) if source.slot == slot)
    return frozenset(name for source in sources for name in source.counts or ())


def _since(before: Counts | None, now: Counts, began_at_zero: bool, *, new: bool) -> Counts:
    if before is None:
        return now if new and began_at_zero else NOTHING
    came = _came(before, now)
    if came is not None:
        return came
    return now if began_at_zero else NOTHING  # the process restarted, and counts from zero


def _came(before: Counts, now: Counts) -> Counts | None:
    """What has come between two totals; None where they fell. No more bad answers than answers: the rest comes later.

    Two totals that are read one after the other, or added up over processes, are not of one moment: more bad answers
    than answers is a reading that is ahead of the other one, not a fact about the version.
    """
    if now.answers < before.answers or now.bad < before.bad:
        return None
    answers = now.answers - before.answers
    return Counts(answers=answers, bad=min(answers, now.bad - before.bad))


def _kept(before: Counts | None, now: Counts) -> Counts:
    """The totals to go on from: those that have been counted."""
    came = _came(before, now) if before is not None else None
    return now if before is None or came is None else before + came


def _block(gain: _Gain, name: str) -> Block:
    challenger, champion = gain.challenger.get(name, NOTHING), gain.champion.get(name, NOTHING)
    return Block(
        challenger_bad=challenger.bad,
        challenger_good=challenger.answers - challenger.bad,
        champion_bad=champion.bad,
        champion_good=champion.answers - champion.bad,
    )


def _added(counts: MeasureCounts, gain: _Gain) -> MeasureCounts:
    return MeasureCounts(
        measure=counts.measure,
        challenger=counts.challenger + gain.challenger.get(counts.measure, NOTHING),
        champion=counts.champion + gain.champion.get(counts.measure, NOTHING),
    )


def _ledger(evidence: Evidence, sources: Iterable[Source]) -> list[PodCounts]:
    """The last totals of every source that still exists; one that did not answer this time keeps its old ones."""
    known = {pod.uid: pod for pod in evidence.pods}
    ledger = []
    for source in sources:
        if source.counts is not None:
            before = known[source.uid].counts if source.uid in known else {}
            kept = {name: _kept(before.get(name), now) for name, now in source.counts.items()}
            ledger.append(PodCounts(uid=source.uid, slot=source.slot, counts=kept))
        elif source.uid in known:
            ledger.append(known[source.uid])
    return ledger


def _sources(facts: Facts, measures: Measures) -> Iterator[Source]:
    pinned, subject = {each.slot: each for each in facts.status.pinned}, facts.subject
    for slot, seen in sorted(facts.observed.slots.items()):
        for pod in seen.pods:
            if slot in pinned and not pod.made_for(pinned[slot]):
                continue  # of the version or template that had the slot before: it is not on trial
            counts = None
            if pod.counters is not None:
                counters = _about(subject, pod.counters)
                read = ((name, measure.read(counters)) for name, measure in measures.items())
                counts = {name: counts for name, counts in read if counts is not None and counts.bad <= counts.answers}
            yield Source(pod.uid, slot, counts)
        elsewhere = {name: sides[slot] for name, sides in facts.observed.counts.items() if slot in sides}
        for name in (name for name, measure in measures.items() if measure.of is None):
            yield Source(f"{slot}/{name}", slot, {name: elsewhere[name]} if name in elsewhere else None)


def _about(subject: Pinned | None, counters: Counters) -> Counters:
    """The counters without pairs of another version: of one that was on trial before."""
    pairs = counters.shadow
    known = Identity(subject.version, subject.digest) if subject is not None else None
    return counters if pairs is None or pairs.challenger == known else replace(counters, shadow=None)
