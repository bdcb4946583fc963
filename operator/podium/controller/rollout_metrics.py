"""Where rollouts stand, as Prometheus' series: made of their last statuses, and of what was decided meanwhile.

A trial is reconciled every second, and its lines are made as often as Prometheus asks for them. At rest they are made
once, as text: to show ten thousand ModelDeployments is to join what is known, and takes no time from the trials.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Final, get_args

from podium.api.v1alpha1.status import Outcome, Pinned, Status, Trial
from podium.controller.exposition import header, line
from podium.core.analysis.sequential import TestVerdict
from podium.core.facts import Key, TrafficState
from podium.core.status.explained import GuardExplanation
from podium.core.status.guard_explanations import explained_guards

_WHICH: Final = ("namespace", "name")
_FAMILIES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "podium_modeldeployment_phase": ("1, with the phase it is in.", ("phase",)),
    "podium_modeldeployment_phase_start_time_seconds": ("Since when it is in its phase, or step; Unix time.", ()),
    "podium_modeldeployment_info": (
        "1, with the model and the versions of champion and challenger.",
        ("model", "champion", "challenger"),
    ),
    "podium_modeldeployment_condition": (
        "1 for the status and the reason that a condition has.",
        ("type", "status", "reason"),
    ),
    "podium_events_pending": ("Events that an Alert still has to deliver.", ()),
    "podium_traffic_weight_percent": (
        "The challenger's share of the traffic: asked, and measured to be in force.",
        ("kind",),
    ),
    "podium_trial_start_time_seconds": ("When the trial began; Unix time.", ()),
    "podium_trial_step": ("The step of the trial, from 1.", ()),
    "podium_trial_steps": ("How many steps the trial has.", ()),
    "podium_evidence_answers": ("Answers counted in this trial.", ("measure", "side")),
    "podium_evidence_bad": ("Bad answers counted in this trial.", ("measure", "side")),
    "podium_guard_verdict": ("1 for the verdict of a guard.", ("guard", "verdict")),
    "podium_guard_towards_failed_ratio": (
        "How far a guard is on its way to Failed, by the criterion that is nearest: log E / log(1/alpha), 1 is Failed.",
        ("guard",),
    ),
    "podium_guard_towards_passed_ratio": (
        "How far a guard is on its way to Passed, by the criterion that is farthest: log E / log(1/beta), 1 is Passed.",
        ("guard",),
    ),
    "podium_last_decision_time_seconds": ("When it was last decided so; Unix time.", ("outcome",)),
}
_DECISIONS: Final = "podium_decisions_total"
_VERDICTS: Final = get_args(TestVerdict)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
Sample = tuple[str, tuple[str, ...], float]  # family, values of its own labels, value
_log = logging.getLogger(__name__)


class RolloutSeries:
    """The series of all ModelDeployments that this process has reconciled."""

    def __init__(self) -> None:
        self._shown: dict[Key, Callable[[], Mapping[str, str]]] = {}  # lines by family
        self._decided: defaultdict[Key, Counter[Outcome]] = defaultdict(Counter)

    def show(self, key: Key, status: Status, traffic: TrafficState) -> None:
        """Show where a rollout stands."""
        if status.trial is not None:
            self._shown[key] = partial(_lines, key, status, traffic)
        else:
            self._shown[key] = _lines(key, status, traffic).copy  # which is made now
        self._decided.setdefault(key, Counter())

    def decided(self, key: Key, outcome: Outcome) -> None:
        """Count a decision."""
        self._decided[key][outcome] += 1

    def hide(self, key: Key) -> None:
        """Show no longer where it stands. What was counted stays."""
        self._shown.pop(key, None)

    def forget(self, key: Key) -> None:
        """Show nothing of it any more."""
        self.hide(key)
        self._decided.pop(key, None)

    def known(self) -> frozenset[Key]:
        """Every ModelDeployment that is shown."""
        return frozenset(self._shown)

    def exposition(self, names: Collection[str] = ()) -> str:
        """All of it in Prometheus' text format, or the families of these names.

        Safe beside the loop that reconciles: values are replaced as a whole.
        """
        lines: defaultdict[str, list[str]] = defaultdict(list)
        for shown in list(self._shown.values()):
            for family, some in shown().items():
                lines[family].append(some)
        families = [(name, text, "gauge", lines[name]) for name, (text, _) in _FAMILIES.items()]
        decided = [_decisions(key, counts) for key, counts in list(self._decided.items())]
        families.append((_DECISIONS, "Trials by how they ended.", "counter", decided))
        return "".join(
            header(name, text, kind) + "".join(some)
            for name, text, kind, some in families
            if not names or name in names
        )


def _decisions(key: Key, counts: Mapping[Outcome, int]) -> str:
    """Each outcome, from zero on: increase() sees a first decision only where there was a zero before."""
    labels = ("namespace", "name", "outcome")
    return "".join(line(_DECISIONS, labels, (key.namespace, key.name, one), counts.get(one, 0)) for one in OUTCOMES)


def _lines(key: Key, status: Status, traffic: TrafficState) -> dict[str, str]:
    """The lines of each family of which it has any."""
    found: defaultdict[str, str] = defaultdict(str)
    for name, labels, value in _samples(key, status, traffic):
        found[name] += line(name, (*_WHICH, *_FAMILIES[name][1]), (key.namespace, key.name, *labels), value)
    return dict(found)


def _samples(key: Key, status: Status, traffic: TrafficState) -> Iterator[Sample]:
    yield from _standing(status)
    yield from _weights(status, traffic)
    if status.trial is not None:
        yield from _trial(status.trial)
        yield from _guards(_explained(key, status.trial, status))
    latest = {entry.outcome: entry.at for entry in status.history}
    for outcome, at in latest.items():
        yield "podium_last_decision_time_seconds", (outcome,), at.timestamp()


def _standing(status: Status) -> Iterator[Sample]:
    yield "podium_modeldeployment_phase", (status.phase,), 1
    if status.phase_since is not None:
        yield "podium_modeldeployment_phase_start_time_seconds", (), status.phase_since.timestamp()
    subject = status.champion or status.challenger
    if subject is not None:
        versions = (_version(status.champion), _version(status.challenger))
        yield "podium_modeldeployment_info", (subject.model, *versions), 1
    yield "podium_events_pending", (), len(status.outbox.pending)
    for one in status.conditions:
        yield "podium_modeldeployment_condition", (one.type, one.status, one.reason), 1


def _version(pinned: Pinned | None) -> str:
    return pinned.version if pinned is not None else ""


def _weights(status: Status, traffic: TrafficState) -> Iterator[Sample]:
    slot = status.challenger.slot if status.challenger else None
    shares = (traffic.desired.get(slot, 0), traffic.current.get(slot, 0)) if slot else (0, 0)
    for kind, share in zip(("desired", "current"), shares, strict=True):
        yield "podium_traffic_weight_percent", (kind,), share


def _trial(trial: Trial) -> Iterator[Sample]:
    yield "podium_trial_start_time_seconds", (), trial.started_at.timestamp()
    yield "podium_trial_step", (), min(trial.step + 1, len(trial.steps))
    yield "podium_trial_steps", (), len(trial.steps)
    for counts in trial.evidence.measures:
        for side, count in (("challenger", counts.challenger), ("champion", counts.champion)):
            yield "podium_evidence_answers", (counts.measure, side), count.answers
            yield "podium_evidence_bad", (counts.measure, side), count.bad


def _guards(guards: Iterable[GuardExplanation]) -> Iterator[Sample]:
    for guard in guards:
        for verdict in _VERDICTS:
            yield "podium_guard_verdict", (guard.name, verdict), verdict == guard.verdict
        failed = max((one.towards_failed for one in guard.criteria), default=0.0)
        passed = min((one.towards_passed for one in guard.criteria), default=0.0)
        yield "podium_guard_towards_failed_ratio", (guard.name,), failed
        yield "podium_guard_towards_passed_ratio", (guard.name,), passed


def _explained(key: Key, trial: Trial, status: Status) -> Iterable[GuardExplanation]:
    """The guards; none where they cannot be evaluated, so that all others are still shown."""
    try:
        return list(explained_guards(trial, status))
    except Exception:  # noqa: BLE001  as in a reconcile, which says it in the condition GuardsEvaluated
        _log.exception("%s: could not explain the guards for /metrics", key)
        return []
