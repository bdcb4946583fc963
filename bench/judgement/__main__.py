"""Measures the judge: progress, tables, plots, and one JSON object as the last line."""

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.judgement import arms, clustered, cost, drift, errors, outages, paired, plots, speed, windows
from bench.judgement.errors import ALPHA, LIMIT, Rate

SHARES = (0.02, 0.03, 0.05, 0.1, 0.2)
LATE = (0.05, 0.2, 1.0)
GOOD_BEFORE = 12_000
WANTED = {"false_rejections_upper": 0.01, "broken": 1.4, "against_champion": 1.4, "passes": 1.5, "verdict_cpu_ms": 1.0}


@dataclass(frozen=True)
class Effort:
    """How much is simulated."""

    trials: int = 10_000  # of each kind, for rates
    answers: int = 10_000  # in each of them
    medians: int = 2000  # trials of each kind, for medians
    pairs: int = 500  # the same, where a champion stands beside the challenger
    beside: tuple[tuple[float, float, int], ...] = (  # challenger's share of bad answers, its weight, answers a look
        (0.05, 0.05, 100),
        (0.05, 0.5, 20),
        (0.01, 0.05, 100),
        (0.01, 0.5, 100),
    )
    looks: int = 2000  # for the CPU time
    outages: int = 530  # trials of each setting: with none rejected, the upper end of 99 % is 1 %
    settings: int | None = None  # of outages and bad versions; all of them
    clustered: int = 2000  # trials with clients who stay, of each kind
    years: int = 240  # in which nothing drifts, of each setting
    blocks: int = drift.INTERVAL  # hours of one watch
    drifts: int = 1000  # of each kind


QUICK = Effort(
    trials=20,
    answers=200,
    medians=8,
    pairs=4,
    looks=5,
    beside=Effort.beside[:2],
    outages=1,
    settings=2,
    clustered=2,
    years=2,
    blocks=20,
    drifts=2,
)


def main() -> None:
    """Measure, plot, and print the figures; JSON on the last line."""
    options = argparse.ArgumentParser(prog="bench.judgement", description=__doc__)
    options.add_argument("--output", type=Path, default=Path("build/bench-judgement"), help="folder of the plots")
    options.add_argument("--quick", action="store_true", help="shows that it runs, no more")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    measured = measure(QUICK if chosen.quick else Effort(), chosen.seed, chosen.output)
    print(json.dumps(measured))


def measure(effort: Effort, seed: int, output: Path) -> dict[str, object]:
    """Everything, in the order in which it is told."""
    wrong = _rates(effort, seed, output)
    broken = _limit(effort, seed, output)
    champion = _champion(effort, seed)
    holds = speed.holds(LIMIT / 5, effort.medians, seed)
    print(f"\nanswers to holds, true {holds.what}: {holds}")
    late = _late(effort, seed)
    stay = _clustered(effort, seed)
    shadow = _shadow(effort, seed)
    several = _arms(effort, seed)
    blamed = _outages(effort, seed)
    drifted = _drift(effort, seed)
    cpu = {guards: cost.verdict_cpu_ms(guards, effort.looks, seed) for guards in (0, 4, 8)}
    for guards, took in cpu.items():
        print(f"one verdict of 8 guards, {guards} of them against the champion: {took:.2f} ms of CPU")
    return {
        "false_rejections_upper": round(wrong["rejected"], 5),
        "false_holds_upper": round(wrong["held"], 5),
        "broken": broken,
        "against_champion": champion,
        "passes": round(holds.ratio, 3),
        "late": late,
        "clustered": stay,
        "shadow": shadow,
        "arms": several,
        **blamed,
        "drift": drifted,
        "verdict_cpu_ms": round(max(cpu.values()), 3),
    }


def _rates(effort: Effort, seed: int, output: Path) -> dict[str, float]:
    print(f"wrong verdicts, {effort.trials} trials of {effort.answers} answers each; upper ends of 99 % intervals")
    rejected = list(_told(errors.against_limit(effort.trials, effort.answers, seed)))
    rejected += _told(errors.against_champion(effort.trials, effort.answers, seed))
    held = list(_told(errors.false_holds(effort.trials, effort.answers, seed)))
    plots.false_rejections(rejected, output / "false-rejections.svg")
    return {"rejected": max(rate.upper for rate in rejected), "held": max(rate.upper for rate in held)}


def _told(rates: Iterable[Rate]) -> Iterator[Rate]:
    began = time.monotonic()
    for rate in rates:
        took, began = time.monotonic() - began, time.monotonic()
        what = f"{rate.guard:<15} {rate.traffic:<34} {rate.challenger:<16}"
        print(
            f"  {what} {rate.wrong:5d}  {rate.wrong / rate.trials:7.3%}  < {rate.upper:7.3%}  {took:5.1f} s", flush=True
        )
        yield rate


def _limit(effort: Effort, seed: int, output: Path) -> dict[str, float]:
    """Answers to broken, beside the thresholds that others use."""
    speeds = [speed.broken(share, effort.medians, seed) for share in SHARES]
    medians = {
        str(window): [windows.detection(window, share, effort.medians, seed) for share in SHARES]
        for window in windows.WINDOWS
    }
    print(f"\nmedian answers until rollback (failed users), limit {LIMIT:.0%}; false rollbacks of a version with 0.2 %")
    print(f"  {'':<26}" + "".join(f"{share:>14.0%}" for share in SHARES) + f"{'500 answers':>14}{'10,000':>10}")
    _row("information bound", [found.bound or 0 for found in speeds], "")
    _row("Podium", [found.median for found in speeds], _healthy_share(effort, seed))
    for window in windows.WINDOWS:
        false = [windows.false_rollbacks(window, answers, effort.trials, seed) for answers in (500, 10_000)]
        _row(str(window), medians[str(window)], f"{false[0]:>14.1%}{false[1]:>10.1%}")
    plots.detection(speeds, medians, SHARES, output / "detection.svg")
    plots.waiting(speeds, output / "waiting.svg")
    ratios = {f"{share:g}": round(found.ratio, 3) for share, found in zip(SHARES, speeds, strict=True)}
    print("  Podium by the bound: " + ", ".join(f"{share}: {ratio:.2f}" for share, ratio in ratios.items()))
    return ratios


def _row(name: str, medians: list[float], rest: str) -> None:
    cells = (f"{median:.0f} ({median * share:.0f})" for median, share in zip(medians, SHARES, strict=True))
    print(f"  {name:<26}" + "".join(f"{cell:>14}" for cell in cells) + rest)


def _healthy_share(effort: Effort, seed: int) -> str:
    rejected = [errors.healthy(effort.trials, answers, windows.HEALTHY, seed) for answers in (500, 10_000)]
    return f"{rejected[0]:>14.1%}{rejected[1]:>10.1%}"


def _champion(effort: Effort, seed: int) -> dict[str, float]:
    ratios = {}
    print(
        f"\nagainst the champion, margin {errors.MARGIN:.1%}, champion {errors.CHAMPION:.0%}: the challenger's answers"
    )
    for challenger, weight, rate in effort.beside:
        found = speed.beside_champion(challenger, weight, rate, effort.pairs, seed)
        verdict = "Passed" if challenger <= errors.CHAMPION else "Failed"
        print(f"  {verdict}: {found.what} of the traffic, {rate} answers a look: {found}", flush=True)
        if verdict == "Failed":
            ratios[f"{weight:g}"] = round(found.ratio, 3)
    return ratios


def _late(effort: Effort, seed: int) -> dict[str, float]:
    print(f"\nafter {GOOD_BEFORE} good answers, 10 answers a look, α = {ALPHA:.0%}")
    medians = {}
    for share in LATE:
        found = speed.broken(share, effort.pairs, seed, good_before=GOOD_BEFORE, look=10)
        print(f"  {found.what} errors are found after a median of {found.median:.0f} answers")
        medians[f"{share:g}"] = found.median
    return medians


def _clustered(effort: Effort, seed: int) -> dict[str, float]:
    """Good versions that fail among clients who stay, at the most, and how soon a bad one is found."""
    print(f"\nclients who stay, {effort.clustered} A/A trials of each kind: failed by first answers, by all answers")
    upper = 0.0
    for rate in clustered.rates(effort.clustered, seed):
        shares = f"{rate.first / rate.trials:7.2%} < {rate.upper:7.2%}   {rate.all / rate.trials:7.2%}"
        print(f"  {rate.setting!s:<50} {shares}", flush=True)
        upper = max(upper, rate.upper)
    ratio = clustered.ratio(max(effort.clustered // 4, 2), seed)
    print(f"  a fault of {clustered.FAULT:.0%} more is found after {ratio:.2f} x the bound, in first answers")
    return {"false_upper": round(upper, 5), "ratio": round(ratio, 3)}


def _shadow(effort: Effort, seed: int) -> dict[str, float]:
    """Good versions that fail in pairs, at the most, and how soon bad ones do; beside it how soon in a canary."""
    assert paired.agrees_with_the_core(seed)
    print(f"\npairs of a shadow step, {effort.clustered} trials of {paired.PAIRS} pairs at the margin: failed")
    upper, ratio = 0.0, 0.0
    for rate in paired.rates(effort.clustered, seed):
        print(f"  {rate.setting!s:<50} {rate.wrong / rate.trials:7.2%} < {rate.upper:7.2%}", flush=True)
        upper = max(upper, rate.upper)
    for found in paired.speeds(effort.pairs, seed):
        print(f"  {found.setting!s:<50} median {found.median:.0f}, bound {found.bound:.0f}, {found.ratio:.2f} x")
        ratio = max(ratio, found.ratio)
    pairs = next(iter(paired.speeds(effort.pairs, seed))).median
    hard, fault = paired.HARD, paired.FAULTS[0].challenger
    canary = speed.beside_champion(hard + fault, 0.5, 20, effort.pairs, seed, champion=hard).median
    print(f"  {fault:.1%} more, where both fail {hard:.0%}: {pairs:.0f} pairs, or {canary:.0f} of a canary at 50 %")
    return {"false_upper": round(upper, 5), "ratio": round(ratio, 3), "answers_ratio": round(pairs / canary, 3)}


def _arms(effort: Effort, seed: int) -> dict[str, float]:
    """Trials of several arms in which any good one fails, at the most, and how many of the bad ones are found."""
    print(f"\n{arms.ARMS} arms beside one champion, {effort.clustered} trials of each kind: a good arm failed in")
    upper, found = 0.0, 1.0
    for rate in arms.rates(effort.clustered, seed):
        bad = "" if rate.found is None else f"; {rate.found:.1%} of the bad arms are found"
        print(f"  {rate.setting!s:<60} {rate.wrong / rate.trials:7.2%} < {rate.upper:7.2%}{bad}", flush=True)
        upper, found = max(upper, rate.upper), min(found, found if rate.found is None else rate.found)
    return {"false_upper": round(upper, 5), "found": round(found, 4)}


def _drift(effort: Effort, seed: int) -> dict[str, float]:
    """False alarms a year at the most, on average, and how soon the first of the drifts is found."""
    print(f"\ndrift, hourly blocks, {drift.INTERVAL:,} of them to a false alarm; upper ends of 99 % intervals")
    a_year, upper = 0.0, 0.0
    for setting in drift.QUIET:
        found = drift.false_alarms(setting, effort.years, effort.blocks, seed)
        print(
            f"  {setting.what:<50} {found.alarms:4d} in {found.years:.0f} years: {found.a_year:.3f} < {found.upper:.3f}"
        )
        a_year, upper = max(a_year, found.a_year), max(upper, found.upper)
    ratios = []
    for speed_of in drift.speeds(effort.drifts, seed):
        figures = f"{speed_of.mean:5.1f} blocks, bound {speed_of.bound:5.1f}, {speed_of.ratio:.2f} x"
        print(f"  {speed_of.what:<50} {figures}", flush=True)
        ratios.append(speed_of.ratio)
    return {
        "false_alarms_a_year": round(a_year, 4),
        "false_alarms_a_year_upper": round(upper, 4),
        "ratio": round(ratios[0], 3),
    }


def _outages(effort: Effort, seed: int) -> dict[str, float]:
    """Good versions that an outage of both rejects, at the most, and bad versions that are rejected, at the least."""
    print(f"\nhow {effort.outages} trials of each kind end; upper ends of 99 % intervals of the share that is rejected")
    blamed: dict[bool, list[float]] = {True: [], False: []}
    for setting in list(outages.settings())[:: 1 if effort.settings is None else 48 // effort.settings]:
        found = outages.measured(setting, effort.outages, seed)
        blamed[setting.outage].append(found.rejected)
        ends = ", ".join(f"{number} {end}" for end, number in found.ends.most_common())
        print(f"  {setting!s:<42} {found.rejected:7.2%} < {found.upper:7.2%}  {ends}", flush=True)
    return {"outages_rejected": max(blamed[True], default=0.0), "bad_rejected": min(blamed[False], default=1.0)}


if __name__ == "__main__":
    main()
