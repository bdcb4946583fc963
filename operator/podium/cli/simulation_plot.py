"""The plot of a simulation: which share of the versions has been promoted, or rolled back, after so much time.

SVG is written here, as text, so that it needs no library. PNG needs letters drawn: by matplotlib, where it is
installed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from importlib.util import find_spec
from math import log10
from pathlib import Path

from podium.api.v1alpha1.values.base import format_duration
from podium.cli.simulation_report import Report

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 400, 60, 40, 20, 60  # pixels
_TICKS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600, 60 * 24 * 3600)  # seconds
_FONT = "font-family='sans-serif' font-size='12'"


class Unplottable(Exception):
    """The plot cannot be written so. The message says what to do."""


@dataclass(frozen=True)
class Curve:
    """When each of so many trials came to this."""

    name: str
    colour: str
    moments: Sequence[float]  # seconds, rising
    trials: int


def check_target(target: Path) -> None:
    """Raise Unplottable where the plot could not be written there, before anything is simulated."""
    if target.suffix not in {".svg", ".png"}:
        raise Unplottable(f"--plot: expected a file .svg or .png, found {target.name}")
    if target.suffix == ".png" and find_spec("matplotlib") is None:
        raise Unplottable("--plot: a .png needs matplotlib; do: pip install matplotlib, or write an .svg")
    if not target.absolute().parent.is_dir():
        raise Unplottable(f"--plot: folder {target.absolute().parent} not found")


def plot(report: Report, target: Path) -> None:
    """Write the plot, as SVG or as PNG by the name of the file."""
    if target.suffix == ".svg":
        target.write_text(svg(report), encoding="utf-8")
    else:
        _write_png(report, target)


def _curves(report: Report) -> list[Curve]:
    trials = report.about.trials
    curves = (
        Curve("good: promoted", "#2a7f3f", report.good.promotions, trials),
        Curve("good: rolled back", "#b8860b", report.good.rollbacks, trials),
        Curve("bad: rolled back", "#b22222", report.bad.rollbacks, trials),
        Curve("bad: promoted", "#6a3d9a", report.bad.promotions, trials),
    )
    return [curve for curve in curves if curve.moments]


def _title(report: Report) -> str:
    return f"{report.about.name}: {report.plan.rate:g} requests/s, {report.about.trials} trials of each version"


def _span(curves: Sequence[Curve]) -> float:
    return max([_TICKS[1], *(moment for curve in curves for moment in curve.moments)]) * 1.3


# --- SVG --------------------------------------------------------------------------------------------------------------


def svg(report: Report) -> str:
    """The plot as SVG: time on a logarithmic axis, one line for each way a trial can end."""
    curves = _curves(report)
    span = _span(curves)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' {_FONT}>",
        f"<rect width='{_WIDTH}' height='{_HEIGHT}' fill='white'/>",
        _text(_LEFT, _TOP - 16, _title(report)),
        *_axes(span),
        *(_line(curve, span) for curve in curves),
        *_legend(curves),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(seconds: float, span: float) -> float:
    share = log10(max(seconds, 1.0)) / log10(span)
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(share: float) -> float:
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _axes(span: float) -> Iterator[str]:
    for tenths in range(0, 11, 2):
        share = tenths / 10
        yield _rule(_LEFT, _y(share), _WIDTH - _RIGHT, _y(share))
        yield _text(_LEFT - 8, _y(share) + 4, f"{share:.0%}", "end")
    for tick in (tick for tick in _TICKS if tick <= span):
        yield _rule(_x(tick, span), _y(0), _x(tick, span), _y(1))
        yield _text(_x(tick, span), _y(0) + 18, format_duration(timedelta(seconds=tick)), "middle")
    yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 16, "time since the challenger's first traffic", "middle")


def _line(curve: Curve, span: float) -> str:
    """Steps: up at each moment, and level until the next."""
    points = [(_x(1, span), _y(0))]
    for number, moment in enumerate(curve.moments, start=1):
        points += [(_x(moment, span), points[-1][1]), (_x(moment, span), _y(number / curve.trials))]
    points.append((_x(span, span), points[-1][1]))
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f"<polyline points='{path}' fill='none' stroke='{curve.colour}' stroke-width='2'/>"


def _legend(curves: Sequence[Curve]) -> Iterator[str]:
    for place, curve in enumerate(curves):
        y = _TOP + 16 + 18 * place
        yield f"<rect x='{_LEFT + 10}' y='{y - 9}' width='14' height='10' fill='{curve.colour}'/>"
        yield _text(_LEFT + 30, y, f"{curve.name} ({len(curve.moments)} of {curve.trials})")


def _rule(x: float, y: float, to_x: float, to_y: float) -> str:
    return f"<line x1='{x:g}' y1='{y:g}' x2='{to_x:g}' y2='{to_y:g}' stroke='#dddddd'/>"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f"<text x='{x:g}' y='{y:g}' text-anchor='{anchor}'>{escape(text)}</text>"


# --- PNG --------------------------------------------------------------------------------------------------------------


def _write_png(report: Report, target: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy, and rarely needed
    from matplotlib.figure import Figure  # noqa: PLC0415

    curves = _curves(report)
    span = _span(curves)
    figure = Figure(figsize=(_WIDTH / 100, _HEIGHT / 100), dpi=150, layout="constrained")
    axes = figure.subplots()
    for curve in curves:
        shares = [number / curve.trials for number in range(len(curve.moments) + 1)]
        label = f"{curve.name} ({len(curve.moments)} of {curve.trials})"
        axes.step([1, *curve.moments, span], [*shares, shares[-1]], where="post", color=curve.colour, label=label)
    ticks = [tick for tick in _TICKS if tick <= span]
    axes.set(xscale="log", xlim=(1, span), ylim=(0, 1.02), xlabel="time since the challenger's first traffic")
    axes.set_xticks(ticks, [format_duration(timedelta(seconds=tick)) for tick in ticks])
    axes.minorticks_off()
    axes.set_title(_title(report), fontsize=10)
    axes.legend(fontsize=8)
    FigureCanvasAgg(figure)
    figure.savefig(target)
