"""What a pod's `/metrics/drift` says. Pure, and wary: the text comes from what may be on trial.

A feature that contradicts itself spoils the page: a profile is whole, or it is none.
"""

from collections.abc import Mapping
from typing import Final

from podium.adapters.metrics.samples import Samples, count_of, labels_of, samples_of
from podium.core.drift.profile import MOST_BINS, MOST_FEATURES
from podium.core.drift.reports import DriftReport, ReferenceCounts

PATH: Final = "metrics/drift"
_REFERENCE: Final = "podium_drift_reference_rows"
_ROWS: Final = "podium_drift_rows_total"
_PROFILE: Final = "podium_drift_profile"
_KINDS: Final = frozenset({"number", "category"})


def drift_report(text: str) -> DriftReport | None:
    """Read the text; None where it is no page of drift, or contradicts itself."""
    samples = samples_of(text, (_PROFILE, _REFERENCE, _ROWS))
    if len(samples[_PROFILE]) != 1 or max(map(len, samples.values())) > MOST_FEATURES * MOST_BINS:
        return None
    reference, counts = _by_feature(samples[_REFERENCE]), _by_feature(samples[_ROWS])
    if reference is None or counts is None:
        return None
    if any(name not in reference or len(reference[name][1]) != len(found) for name, (_, found) in counts.items()):
        return None
    profile = {
        name: ReferenceCounts(bins, ordered=kind == "number")
        for name, (kind, bins) in reference.items()
        if name in counts  # what is no input of the model is not counted
    }
    return DriftReport(profile, {name: bins for name, (_, bins) in counts.items()})


def _by_feature(samples: Samples) -> Mapping[str, tuple[str, tuple[int, ...]]] | None:
    """Kind and counts by feature; None where a bin is not the next one, or a count cannot be believed."""
    found: dict[str, tuple[str, list[int]]] = {}
    for text, number in samples:
        labels, count = labels_of(text), count_of(number)
        name, kind = labels.get("feature"), labels.get("kind")
        if name is None or kind not in _KINDS or count is None:
            return None
        known, bins = found.setdefault(name, (kind, []))
        if known != kind or labels.get("bin") != str(len(bins)) or len(bins) >= MOST_BINS:
            return None
        bins.append(count)
    return {name: (kind, tuple(bins)) for name, (kind, bins) in found.items()}
