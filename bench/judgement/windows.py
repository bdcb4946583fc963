"""What others do: a threshold on the success rate of fixed windows, and so many failed windows end a trial."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.judgement.twins import Counts

SUCCESS = 0.99  # a window fails where fewer answers are good
HEALTHY = 0.002


@dataclass(frozen=True)
class Window:
    """Requests in a window, and the failed windows that end a trial."""

    size: int
    failures: int

    def __str__(self) -> str:
        return f"{self.failures} failed window{'s' if self.failures > 1 else ''} of {self.size}"

    def ends(self, chance: np.random.Generator, share: float, trials: int, windows: int) -> Counts:
        """Answers until each trial is rolled back, or -1 where it is not within so many windows."""
        bad = chance.binomial(self.size, share, (trials, windows))
        failed = (bad > self.size * (1 - SUCCESS) + 1e-9).cumsum(axis=1) >= self.failures
        at = (failed.argmax(axis=1) + 1) * self.size
        return np.where(failed.any(axis=1), at, -1)


WINDOWS = tuple(Window(size, failures) for size, failures in product((20, 100), (1, 5)))


def false_rollbacks(window: Window, answers: int, trials: int, seed: int) -> float:
    """How many healthy versions (0.2 % errors, gate 99 %) are rolled back within so many answers."""
    ends = window.ends(np.random.default_rng(seed), HEALTHY, trials, answers // window.size)
    return float((ends > 0).mean())


def detection(window: Window, share: float, trials: int, seed: int) -> float:
    """Median answers until a bad version is rolled back."""
    ends = window.ends(np.random.default_rng(seed), share, trials, 20_000 // window.size)
    return float(np.median(np.where(ends > 0, ends, np.inf)))
