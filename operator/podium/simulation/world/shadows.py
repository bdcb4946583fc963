"""What a simulated pod of the champion sends as copies to the challenger, and counts of the pairs."""

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from podium.core.identity import Identity
from podium.core.shadow import ShadowOrder, ShadowPairs

LASTS: Final = 15.0  # seconds for which a pod goes on copying once it is told no more


@dataclass
class Shadow:
    """The copies of one pod."""

    order: ShadowOrder | None = None
    until: float = 0.0
    pairs: ShadowPairs | None = None

    def tell(self, order: ShadowOrder, own: Identity, now: float) -> None:
        """Send copies from now on. A pod of the challenger itself sends none."""
        if order.challenger == own:
            return
        self.order, self.until = order, now + LASTS
        if self.pairs is None or self.pairs.challenger != order.challenger:
            self.pairs = ShadowPairs(order.challenger)

    def copies(self, now: float, chance: Random) -> Identity | None:
        """To which challenger the request that was just answered is copied; None: to none."""
        if self.order is None or now >= self.until or chance.random() >= self.order.share:
            return None
        return self.order.challenger

    def pair(self, *, champion_bad: bool, challenger_bad: bool, disagree: bool) -> None:
        """Count the two answers to one request."""
        both_good = not champion_bad and not challenger_bad
        self.add(
            both_good=both_good,
            both_bad=champion_bad and challenger_bad,
            only_challenger_bad=challenger_bad and not champion_bad,
            only_champion_bad=champion_bad and not challenger_bad,
            disagreements=both_good and disagree,
        )

    def add(self, **counts: int) -> None:
        """Count so many more pairs, by how they came out; all that are good on both sides are compared."""
        assert self.pairs is not None, "a pod counts pairs once it has been told to send copies"
        counts["compared"] = counts.get("both_good", 0)
        self.pairs = replace(self.pairs, **{name: getattr(self.pairs, name) + more for name, more in counts.items()})
