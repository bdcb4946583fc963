"""A shadow step: the header that tells a champion's pod what to copy, and what its page says of the pairs.

Wary, as all that reads a pod's page: pairs that contradict themselves are left out, and spoil nothing else.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from podium.adapters.metrics.samples import Samples, count_of, labels_of
from podium.core.identity import Identity
from podium.core.shadow import ShadowOrder, ShadowPairs

_PAIRS: Final = "podium_shadow_pairs_total"
_COUNTS: Final = {
    f"podium_shadow_{name}_total": name for name in ("compared", "disagreements", "slower", "faster", "dropped")
}
_OUTCOMES: Final = frozenset({"both_good", "both_bad", "only_challenger_bad", "only_champion_bad"})
SHADOW: Final = (_PAIRS, *_COUNTS)  # the names that are read


def order_text(order: ShadowOrder) -> str:
    """Return the order as the header has it: `version=8;digest=sha256%3A77;share=0.2;tolerance=0.001`."""
    who = order.challenger
    return (
        f"version={quote(who.version, safe='')};digest={quote(who.digest, safe='')}"
        f";share={order.share:.6g};tolerance={order.tolerance:.6g}"
    )


def pairs_of(samples: Mapping[str, Samples]) -> ShadowPairs | None:
    """Return how the pairs came out. None: the pod does not say, says it of two challengers, or contradicts itself."""
    challengers: set[Identity] = set()
    counts: dict[str, int] = {}
    for name in SHADOW:
        for text, number in samples[name]:
            labels, count = labels_of(text), count_of(number)
            told = labels.get("outcome", "") if name == _PAIRS else _COUNTS[name]
            if count is None or told in counts or (name == _PAIRS and told not in _OUTCOMES):
                return None
            counts[told] = count
            challengers.add(Identity(labels.get("version", ""), labels.get("digest", "")))
    if len(challengers) != 1 or len(counts) != len(_OUTCOMES) + len(_COUNTS):
        return None
    found = ShadowPairs(challengers.pop(), **counts)
    fits = found.disagreements <= found.compared <= found.both_good and found.slower + found.faster <= found.both_good
    return found if fits and found.challenger.version else None
