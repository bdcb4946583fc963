"""The detectors on arrays, of the bench, say what the detector of the core says, block by block."""

import numpy as np
import pytest

from bench.judgement import drift
from podium.core.drift.detector import BEYOND, DriftDetector, FeatureDetector


@pytest.mark.parametrize("rows", [3, 100, 5000])
def test_the_twin_equals_the_core(rows: int) -> None:
    chance = np.random.default_rng(rows)
    samples = drift.samples(chance, 5000, 2)
    twin = drift.Watches(samples, 1)
    watches = [
        DriftDetector(tuple(FeatureDetector(of[sample]) for of in samples), drift.INTERVAL) for sample in range(2)
    ]
    for block in range(60):
        shares = [drift.higher(0.4) if block > 30 else drift.NUMBER, *drift.FEATURES[1:]]
        counts = [chance.poisson(rows * np.array([[now]] * 2)) for now in shares]
        for feature, of in enumerate(counts):
            twin.see(feature, of)
        for sample, watch in enumerate(watches):
            features = zip(watch.features, counts, strict=True)
            seen = tuple(each.see(of[sample, 0].tolist(), most(watch)) for each, of in features)
            watches[sample] = DriftDetector(seen, watch.interval)
        assert np.log(twin.wealth[:, 0]) == pytest.approx([watch.log_wealth for watch in watches], abs=1e-6)
    assert all(watch.alarms for watch in watches) == (rows >= 100)


def most(watch: DriftDetector) -> float:
    return float(np.log(watch.interval * len(watch.features)) + BEYOND)


def test_the_twin_begins_again_where_it_is_told_to() -> None:
    twin = drift.Watches(drift.samples(np.random.default_rng(1), 5000, 2), 3)
    twin.see(0, np.full((2, 3, 11), 10))
    twin.restart(np.array([[True, False, False], [False] * 3]))
    assert twin.wealth[0, 0] == 0.0
    assert (twin.wealth.ravel()[1:] > 0).all()
