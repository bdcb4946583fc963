"""What one verdict of a whole trial costs: CPU time of one look at eight guards."""

import random
import statistics
import time

from podium.core.analysis.sequential import AgainstChampion, AgainstLimit

GUARDS = 8


def verdict_cpu_ms(champion_guards: int, looks: int, seed: int) -> float:
    """Median over looks of 100 answers, 20 of them the challenger's; so many of the guards ask for the champion."""
    chance, alpha, beta = random.Random(seed), 0.01 / GUARDS, 0.05
    limits = [AgainstLimit(0.01, alpha, beta) for _ in range(GUARDS - champion_guards)]
    champions = [AgainstChampion(0.005, alpha, beta) for _ in range(champion_guards)]
    took = []
    for _ in range(looks):
        bad, champion_bad = (sum(chance.random() < 0.005 for _ in range(n)) for n in (20, 80))
        began = time.process_time_ns()
        limits = [judge.see(bad, 20 - bad) for judge in limits]
        champions = [judge.see(bad, 20 - bad, champion_bad, 80 - champion_bad) for judge in champions]
        _ = [judge.verdict for judge in limits], [judge.verdict for judge in champions]
        took.append((time.process_time_ns() - began) / 1e6)
    return statistics.median(took)
