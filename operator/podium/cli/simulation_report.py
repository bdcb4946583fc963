"""What a simulation found, for people as a table and for programs as JSON."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.spec.rollout import Step
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.values.base import format_duration, format_percent
from podium.core.analysis.guard_kinds import tolerance_of
from podium.core.traffic.shares import share_in_force
from podium.simulation.figures import Chance, Figures, Spread
from podium.simulation.trial import Plan
from podium.simulation.window import SIZE, SUCCESS, Windowed

_MINUTE = 60  # seconds
_NONE = "-"
_COLUMNS = (40, 26)  # characters


@dataclass(frozen=True)
class About:
    """What was simulated, and how often."""

    name: str
    trials: int  # of each version
    seed: int


@dataclass(frozen=True)
class Report:
    """Everything that the table, the object and the plot tell."""

    plan: Plan
    about: About
    good: Figures
    bad: Figures
    window: Windowed | None

    @property
    def both(self) -> tuple[Figures, Figures]:
        """The figures of the good and of the bad version."""
        return self.good, self.bad


# --- for people -------------------------------------------------------------------------------------------------------


def as_table(report: Report) -> str:
    """The table, without a newline at its end."""
    return "\n".join([*_head(report), "", *_assumptions(report), "", *_outcomes(report), *_beside(report)])


def _step(step: Step, spec: Spec) -> str:
    lasts, exposed = format_duration(step.duration), share_in_force(step.weight, spec)
    what = f"{step.weight}%" if step.shadow is None else f"shadow of {format_percent(step.shadow)}"
    return f"{what} for {lasts} ({exposed:.0%} exposed)"


def _head(report: Report) -> Iterator[str]:
    plan, rollout = report.plan, report.plan.spec.rollout
    full = plan.spec.serving.size
    steps = ", ".join(_step(step, plan.spec) for step in rollout.steps)
    yield f"{report.about.name}: {_rate(plan.rate)}, {full} pod{'s' if full > 1 else ''}; steps {steps}"
    if plan.crowd is not None:
        yield _who(plan)
    yield (
        f"α {format_percent(rollout.false_rollback_rate)}, β {format_percent(rollout.false_promotion_rate)}; "
        f"{report.about.trials} trials of each "
        f"version, seed {report.about.seed}"
    )


def _who(plan: Plan) -> str:
    """Who asks, and what keeps them on their side."""
    crowd = plan.crowd
    assert crowd is not None
    stays = plan.spec.traffic.session_affinity is not None and not crowd.kept_alive
    drawn = "who stay on their side" if stays else "whose requests are drawn one by one"
    who = f"{crowd.clients} connections that are kept open" if crowd.kept_alive else f"{crowd.clients} users {drawn}"
    number = "none leaves" if crowd.requests is None else f"{crowd.requests:g} requests each, then another one comes"
    return f"{who}; {number}; activity {crowd.activity}"


def _assumptions(report: Report) -> Iterator[str]:
    shares = report.plan.assumed
    yield _row("assumed share of bad answers", "good version", "bad version", "champion")
    for guard in report.plan.spec.rollout.guards:
        cells = (format_percent(share[guard.name]) for share in (shares.good, shares.bad, shares.champion))
        yield _row(f"  {guard.name} ({tolerated(guard)})", *cells)


def tolerated(guard: Guard) -> str:
    """The guard's limits in a few words."""
    tolerance = tolerance_of(guard)
    limit, above = tolerance.at_most, tolerance.above_champion
    limits = [f"limit {format_percent(limit)}"] if limit is not None else []
    if above is not None:
        limits.append(
            f"champion + {format_percent(above)}"
            if guard.prediction_shift is None
            else f"shift {format_percent(above)}"
        )
    return ", ".join(limits)


def _outcomes(report: Report) -> Iterator[str]:
    def row(name: str, cell: Callable[[Figures], str]) -> str:
        return _row(name, *map(cell, report.both))

    yield row("promoted", lambda it: _chance(it.promoted))
    yield row("rolled back", lambda it: _chance(it.rolled_back))
    if any(it.rolled_back_later.count for it in report.both):
        yield row("  after its promotion", lambda it: _chance(it.rolled_back_later))
    if any(it.circumstances.count for it in report.both):
        yield row("taken back, not rejected", lambda it: _chance(it.circumstances))
    if any(it.undecided.count for it in report.both):
        yield row(f"undecided after {format_duration(report.plan.longest)}", lambda it: _chance(it.undecided))
    yield row("time to promotion", lambda it: _spread(it.to_promotion, _time))
    yield row("time to rollback", lambda it: _spread(it.to_rollback, _time))
    yield row("answers until rollback", lambda it: _spread(it.answers, _count))
    yield row("  failed requests", lambda it: _spread(it.hit, _count))


def _beside(report: Report) -> Iterator[str]:
    window = report.window
    if window is None:
        return
    yield ""
    yield f"beside it, a threshold: {SUCCESS:.0%} of every {SIZE} requests are good, or else the version is rolled back"
    yield _row("rolled back", format_percent(window.false_rollback), format_percent(1 - window.missed))
    yield _row("time to rollback, median", _NONE, _NONE if window.to_rollback is None else _time(window.to_rollback))
    yield _row("  failed requests, median", _NONE, _NONE if window.hit is None else _count(window.hit))


def _row(name: str, *cells: str) -> str:
    first, other = _COLUMNS
    return (name.ljust(first) + "".join(cell.ljust(other) for cell in cells)).rstrip()


def _chance(chance: Chance) -> str:
    return f"{chance.count / chance.trials:.1%} ({_rounded(chance.low)} to {_rounded(chance.high)})"


def _rounded(share: float) -> str:
    return f"{share * 100:.1f}%"


def _spread(spread: Spread | None, show: Callable[[float], str]) -> str:
    return f"{show(spread.median)}, 95% within {show(spread.most)}" if spread is not None else _NONE


def _time(seconds: float) -> str:
    """To the second where it matters, to the minute where it does not."""
    exact = seconds < 10 * _MINUTE
    return format_duration(timedelta(seconds=round(seconds) if exact else round(seconds / _MINUTE) * _MINUTE))


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _rate(rate: float) -> str:
    for unit, seconds in (("s", 1), ("m", _MINUTE), ("h", _MINUTE * _MINUTE)):
        if rate * seconds >= 1:
            return f"{rate * seconds:g} requests/{unit}"
    return f"{rate * _MINUTE * _MINUTE:g} requests/h"


# --- for programs -----------------------------------------------------------------------------------------------------


def as_json(report: Report) -> Mapping[str, Any]:
    """Shares as fractions, times in seconds."""
    plan, assumed = report.plan, report.plan.assumed
    return {
        "name": report.about.name,
        "trials": report.about.trials,
        "seed": report.about.seed,
        "requests_per_s": plan.rate,
        "clients": None if plan.crowd is None else vars(plan.crowd),
        "assumed": {"good": dict(assumed.good), "bad": dict(assumed.bad), "champion": dict(assumed.champion)},
        "good": _object(report.good),
        "bad": _object(report.bad),
        "window": None if report.window is None else _window(report.window),
    }


def _object(found: Figures) -> Mapping[str, Any]:
    return {
        "promoted": _chance_object(found.promoted),
        "rolled_back": _chance_object(found.rolled_back),
        "rolled_back_after_promotion": _chance_object(found.rolled_back_later),
        "circumstances": _chance_object(found.circumstances),
        "undecided": _chance_object(found.undecided),
        "seconds_to_promotion": _spread_object(found.to_promotion),
        "seconds_to_rollback": _spread_object(found.to_rollback),
        "answers_until_rollback": _spread_object(found.answers),
        "bad_answers_until_rollback": _spread_object(found.hit),
    }


def _chance_object(chance: Chance) -> Mapping[str, Any]:
    return {
        "share": chance.count / chance.trials,
        "interval": [round(chance.low, 6), round(chance.high, 6)],
        "count": chance.count,
    }


def _spread_object(spread: Spread | None) -> Mapping[str, Any] | None:
    return None if spread is None else {"median": spread.median, "p95": spread.most}


def _window(window: Windowed) -> Mapping[str, Any]:
    return {
        "requests": SIZE,
        "success": SUCCESS,
        "false_rollback": window.false_rollback,
        "missed": window.missed,
        "seconds_to_rollback": window.to_rollback,
        "bad_answers_until_rollback": window.hit,
    }
