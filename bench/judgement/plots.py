"""Pictures of the measurements, as SVG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from bench.judgement.errors import ALPHA, Rate
from bench.judgement.speed import NEVER, Speed


def detection(
    speeds: Sequence[Speed], windows: Mapping[str, Sequence[float]], shares: Sequence[float], at: Path
) -> None:
    """Median answers to detection by the true share of errors: the judge, the bound, and fixed windows."""
    figure, axes = plt.subplots(figsize=(7, 4.5))
    percent = [100 * share for share in shares]
    axes.plot(percent, [speed.median for speed in speeds], "o-", color="C0", label="Podium, α = 1 %")
    axes.plot(percent, [speed.bound or 0 for speed in speeds], "--", color="0.4", label="information bound")
    for number, (name, medians) in enumerate(windows.items()):
        axes.plot(percent, medians, ":", marker="x", color=f"C{number + 1}", label=name)
    axes.set(xscale="log", yscale="log", xlabel="true share of errors, %", ylabel="median answers until rollback")
    axes.set_xticks(percent, [f"{share:g}" for share in percent])
    axes.minorticks_off()
    axes.set_title("A limit of 1 % errors")
    axes.legend(fontsize=8)
    _save(figure, at)


def waiting(speeds: Sequence[Speed], at: Path) -> None:
    """The share of bad versions that have been found after so many answers."""
    figure, axes = plt.subplots(figsize=(7, 4.5))
    for speed in speeds:
        found = np.sort(speed.found[speed.found < NEVER])
        axes.step(found, np.arange(1, len(found) + 1) / len(speed.found), where="post", label=f"{speed.what} errors")
    axes.set(xscale="log", ylim=(0, 1), xlabel="answers", ylabel="share of versions found out")
    axes.set_title("Found out after so many answers, at a limit of 1 %")
    axes.legend(fontsize=8)
    _save(figure, at)


def false_rejections(rates: Sequence[Rate], at: Path) -> None:
    """Every kind of good challenger, and how often it was rejected."""
    figure, axes = plt.subplots(figsize=(8, 0.27 * len(rates) + 1.2))
    names = [f"{rate.guard}: {rate.traffic}, {rate.challenger}" for rate in rates]
    share, upper = [100 * rate.wrong / rate.trials for rate in rates], [100 * rate.upper for rate in rates]
    axes.barh(names, share, color="C0")
    axes.errorbar(
        share, range(len(rates)), xerr=[np.zeros(len(rates)), np.subtract(upper, share)], fmt="none", color="k"
    )
    axes.axvline(100 * ALPHA, color="C3", linestyle="--")
    axes.invert_yaxis()
    axes.set(xlabel="good challengers rejected, % (with the upper end of the 99 % interval); α dashed")
    axes.tick_params(labelsize=7)
    _save(figure, at)


def _save(figure: Figure, at: Path) -> None:
    figure.tight_layout()
    figure.savefig(at)
    plt.close(figure)
