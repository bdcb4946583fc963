"""The page with the rows by bin of the training profile, in Prometheus's text format. The operator reads it.

It is a page of its own: a hundred features are two thousand lines, and /metrics is read once a second in a trial.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from podium.core.label_values import escaped
from podium.runtime.identity import Identity

if TYPE_CHECKING:
    from podium.runtime.prediction.sketch import Sketch  # imports pandas, which takes a second

PATH = "/metrics/drift"


def render(identity: Identity, sketch: "Sketch | None") -> bytes:
    """Return who counts, whether there is a profile, its rows by bin, and those that were asked since the start."""
    who = f'model="{escaped(identity.model)}",version="{escaped(identity.version)}"'
    lines = [*_head("podium_drift_profile", "1 where the model has a training profile, by which rows are counted.")]
    lines.append(f'podium_drift_profile{{{who},digest="{escaped(identity.digest)}"}} {int(sketch is not None)}\n')
    if sketch is not None:
        kinds = {each.name: each.kind for each in sketch.profile.all}
        reference = {each.name: each.counts for each in sketch.profile.all}
        lines += _head("podium_drift_reference_rows", "Rows of the training data in each bin of the profile.")
        lines += _by_bin("podium_drift_reference_rows", who, reference, kinds)
        lines += _head(
            "podium_drift_rows_total", "Rows that were asked, of a sample, in each bin of the profile.", "counter"
        )
        lines += _by_bin("podium_drift_rows_total", who, sketch.counts(), kinds)
    return "".join(lines).encode()


def _head(name: str, text: str, kind: str = "gauge") -> Iterator[str]:
    yield f"# HELP {name} {text}\n"
    yield f"# TYPE {name} {kind}\n"


def _by_bin(name: str, who: str, counts: Mapping[str, Sequence[int]], kinds: Mapping[str, str]) -> Iterator[str]:
    """The bins of a feature in their order, those without a row too: how many there are is part of what is said."""
    for feature, by_bin in counts.items():
        of = f'{who},feature="{escaped(feature)}",kind="{kinds[feature]}"'
        yield from (f'{name}{{{of},bin="{place}"}} {count}\n' for place, count in enumerate(by_bin))
