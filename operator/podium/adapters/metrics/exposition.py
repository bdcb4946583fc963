"""What a pod's `/metrics` says of the version and its answers. Pure, and wary: the text comes from what is on trial.

Which outcomes count as evidence: ok, model_error, nan and timeout are answers; the last three are bad. client_error is
the client's fault alone. overload (the queue was full) speaks of the pods' number, not of the version: it would
condemn a good version for too few replicas, so it is left out of both counts. So is deadline_exceeded: a client that
gives its requests less time than any model takes would condemn every version.

A server that can tell counts the requests whose side was drawn for each of them by themselves (`podium_first_…`): the
first on a connection, or without the cookie of this trial. Others' comparisons count all answers.

A count of answers that cannot be believed spoils the page; a distribution that contradicts itself is left out.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from podium.adapters.metrics.samples import LARGEST, Samples, count_of, labels_of, samples_of
from podium.adapters.metrics.shadow import SHADOW, pairs_of
from podium.core.facts import Counters, Histogram, ReloadState
from podium.core.identity import Identity
from podium.ports import PodReport

GOOD: Final = frozenset({"ok"})
BAD: Final = frozenset({"model_error", "nan", "timeout"})
INVALID: Final = "nan"
MOST_EDGES: Final = 4096  # of one histogram; the model server has 3,842 at the very most
MOST_CLASSES: Final = 64  # the model server names 32
_INFO: Final = "podium_model_info"
_STEP: Final = "podium_startup_step"
_RELOAD: Final = "podium_reload_info"
_RELOAD_STATES: Final = frozenset({"loading", "served", "failed"})
_WORD: Final = re.compile(r"[a-z_]{0,64}")
_REQUESTS: Final = "podium_requests_total"
_IN_A_ROW: Final = "podium_consecutive_failures"
_LATENCY: Final = "podium_request_duration_seconds_bucket"
_SCORES: Final = "podium_scores_bucket"
_CLASSES: Final = "podium_classes_total"
_RECEIVED: Final = "podium_received_total"
_FIRST_REQUESTS: Final = "podium_first_requests_total"
_FIRST_LATENCY: Final = "podium_first_request_duration_seconds_bucket"
_FIRST_SCORES: Final = "podium_first_scores_bucket"
_FIRST_CLASSES: Final = "podium_first_classes_total"
_OF_ALL: Final = (_REQUESTS, _LATENCY, _SCORES, _CLASSES)
_OF_FIRST: Final = (_FIRST_REQUESTS, _FIRST_LATENCY, _FIRST_SCORES, _FIRST_CLASSES)
_READ: Final = (_INFO, _STEP, _RELOAD, _IN_A_ROW, _RECEIVED, *_OF_ALL, *_OF_FIRST, *SHADOW)


def statement(text: str) -> PodReport | None:
    """Read the text; None where it holds no count that can be believed."""
    samples = samples_of(text, _READ)
    counters = _counters(samples, *_OF_ALL)
    if counters is None:
        return None
    identities, step = _identities(samples[_INFO]), _step(samples[_STEP])
    if not identities and not counters.answers and not step:
        return None
    in_a_row = max((count_of(number) or 0 for _, number in samples[_IN_A_ROW]), default=0)
    counters = replace(counters, consecutive_bad=min(counters.bad, in_a_row), **_first(samples))
    # Two identities at once are no identity: such a pod proves nothing.
    identity = identities.pop() if len(identities) == 1 else None
    return PodReport(identity, counters, step, _reload(samples[_RELOAD]), pairs_of(samples))


def _counters(
    samples: Mapping[str, Samples], requests: str, latency: str, scores: str, classes: str
) -> Counters | None:
    """The totals under these names. None where a count of answers cannot be believed."""
    outcomes = _outcomes(samples[requests])
    if outcomes is None:
        return None
    return Counters(
        answers=sum(outcomes.get(each, 0) for each in GOOD | BAD),
        bad=sum(outcomes.get(each, 0) for each in BAD),
        invalid=outcomes.get(INVALID, 0),
        latency=_histogram(samples[latency]),
        scores=_histogram(samples[scores]),
        classes=_classes(samples[classes]),
    )


def _first(samples: Mapping[str, Samples]) -> dict[str, Any]:
    """What came in, and the totals of requests whose side was drawn; nothing where the pod does not say both."""
    received = {labels_of(labels).get("first", ""): count_of(number) for labels, number in samples[_RECEIVED]}
    drawn, others = received.get("true"), received.get("false")
    counted = _counters(samples, *_OF_FIRST) if samples[_FIRST_REQUESTS] else None
    if len(samples[_RECEIVED]) != len(received) or drawn is None or others is None or counted is None:
        return {}
    return {"received": drawn + others, "first": replace(counted, received=drawn)}


def _identities(samples: Samples) -> set[Identity]:
    labelled = [labels_of(labels) for labels, number in samples if count_of(number) == 1]
    return {Identity(labels.get("version", ""), labels.get("digest", "")) for labels in labelled if labels}


def _step(samples: Samples) -> str:
    """What a server that is not ready yet is doing; "" where it does not say, or says two things."""
    steps = {labels_of(labels).get("step", "") for labels, number in samples if count_of(number) == 1}
    return steps.pop() if len(steps) == 1 else ""


def _reload(samples: Samples) -> ReloadState | None:
    """What became of the version that it was last told to load; None where it does not say, or says two things."""
    told = [labels_of(labels) for labels, number in samples if count_of(number) == 1]
    if len(told) != 1 or told[0].get("state") not in _RELOAD_STATES:
        return None
    digest, state, reason = (told[0].get(name, "") for name in ("digest", "state", "reason"))
    return ReloadState(digest, state, reason if _WORD.fullmatch(reason) else "")


def _outcomes(samples: Samples) -> Mapping[str, int] | None:
    """Answers by outcome. None where a count cannot be believed."""
    outcomes: dict[str, int] = {}
    for labels, number in samples:
        outcome, count = labels_of(labels).get("outcome", ""), count_of(number)
        if count is None:
            return None
        outcomes[outcome] = outcomes.get(outcome, 0) + count
    return outcomes


def _histogram(samples: Samples) -> Histogram:
    """An empty one where the edges do not rise up to infinity, or the counts fall."""
    if not 0 < len(samples) <= MOST_EDGES:
        return Histogram()
    try:
        edges = [float(_edge(labels)) for labels, _ in samples]
        counts = [float(number) for _, number in samples]
    except ValueError:
        return Histogram()
    # By sorting, which is quick on what is sorted already
    rise = edges[-1] == math.inf > -edges[0] and sorted(set(edges)) == edges
    grow = counts[0] >= 0 and counts[-1] <= LARGEST and sorted(counts) == counts
    if not rise or not grow or any(map(math.isnan, edges)) or any(map(math.isnan, counts)):
        return Histogram()
    *below, total = map(int, counts)
    return Histogram(tuple(edges[:-1]), tuple(below), total)


def _edge(labels: str) -> str:
    """The official client sorts the labels, so that the edge comes first."""
    if labels.startswith('le="'):
        return labels[4 : labels.find('"', 4)]
    return labels_of(labels).get("le", "")


def _classes(samples: Samples) -> Mapping[str, int]:
    """Predictions by class; empty where one is told twice, or a count cannot be believed."""
    told = [(labels_of(labels).get("class"), count_of(number)) for labels, number in islice(samples, MOST_CLASSES + 1)]
    counts = {name: count for name, count in told if name is not None and count is not None}
    return counts if len(counts) == len(told) <= MOST_CLASSES else {}
