"""Runs the comparison: progress, what differs, and one JSON object as the last line."""

import argparse
import json
import logging
import os
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.parity import packages

if TYPE_CHECKING:
    from bench.parity.compare import Difference
    from bench.parity.estimators import Case

WANTED_MODELS, WANTED_FLAVOURS = 100, 20


def main() -> None:
    """Compare all models, print what differs, and one JSON object as the last line."""
    options = argparse.ArgumentParser(prog="bench.parity", description=__doc__)
    options.add_argument("--only", default="", help="models whose name holds this")
    options.add_argument("--show", type=int, default=30, help="differences that are written out")
    chosen = options.parse_args()
    warnings.simplefilter("ignore")  # the flavours warn of themselves and of the odd inputs
    logging.disable(logging.CRITICAL)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    everything = packages.make_importable()
    with tempfile.TemporaryDirectory(prefix="podium-bench-", ignore_cleanup_errors=True) as name:
        os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{name}/mlflow.db")
        os.chdir(name)  # MLflow's traces of agents go to the current directory
        totals = Comparison(Path(name), chosen.show).run(chosen.only, everything=everything)
    print(json.dumps(totals.summary()))
    sys.stdout.flush()
    os._exit(0 if totals.reached(whole=not chosen.only) else 1)  # a prediction thread has no end


@dataclass
class Totals:
    """What was compared, and what came of it."""

    models: int = 0
    inputs: int = 0
    different: int = 0
    flavours: set[str] = field(default_factory=set)
    explained: Counter[str] = field(default_factory=Counter)
    not_served: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """The JSON object of the last line."""
        return {
            "models": self.models,
            "flavours": len(self.flavours),
            "inputs": self.inputs,
            "different": self.different,
            "explained": [f"{reason}: {count}" for reason, count in sorted(self.explained.items())],
            "not_served": self.not_served,
        }

    def reached(self, *, whole: bool) -> bool:
        """Whether the answers are equal, and, of a whole run, whether it compared enough."""
        enough = self.models >= WANTED_MODELS and len(self.flavours) >= WANTED_FLAVOURS
        return not self.different and not self.not_served and (enough or not whole)


class Comparison:
    """One run, in a folder of its own."""

    def __init__(self, folder: Path, show: int) -> None:
        self._folder, self._show = folder, show
        self._totals = Totals()

    def run(self, only: str, *, everything: bool) -> Totals:
        """Save each model whose name holds `only`, and compare its answers."""
        for number, case in enumerate(each for each in cases(everything=everything) if only in each.name):
            path = self._folder / f"m{number}"
            try:
                warnings.simplefilter("ignore")  # MLflow sets filters of its own
                case.save(path)
                self._compared(case, path)
            except Exception as error:  # noqa: BLE001  one model that cannot be served stops no other
                print(f"NOT SERVED {case.flavour}: {case.name}: {error}", flush=True)
                self._totals.not_served.append(f"{case.name}: {type(error).__name__}: {str(error)[:200]}")
        return self._totals

    def _compared(self, case: "Case", path: Path) -> None:
        from bench.parity.compare import different  # noqa: PLC0415  these import MLflow, for seconds
        from bench.parity.inputs import requests  # noqa: PLC0415
        from bench.parity.servers import pair  # noqa: PLC0415

        found = 0
        with pair(path) as both:
            for asked in requests(case.rows):
                self._totals.inputs += 1
                theirs = both.mlflow(asked.body, asked.content_type)
                door = asked.door.format(name=both.identity.model)
                ours = both.podium(door, asked.ours or asked.body, asked.content_type)
                difference = different(case.name, asked, theirs, ours)
                if difference is not None and difference.explained:
                    self._totals.explained[difference.explained] += 1
                elif difference is not None:
                    found += 1
                    self._say(difference)
        self._totals.models += 1
        self._totals.flavours.add(case.flavour)
        print(f"{'DIFFERENT' if found else 'same':10}{case.flavour}: {case.name}", flush=True)

    def _say(self, difference: "Difference") -> None:
        self._totals.different += 1
        if self._totals.different <= self._show:
            print(f"  {difference.model}, {difference.form}")
            print(f"    mlflow {str(difference.mlflow)[:300]}\n    podium {str(difference.podium)[:300]}")


def cases(*, everything: bool) -> "Iterator[Case]":
    """The models; those that take long to make only where `everything` is asked for."""
    from bench.parity import answers, estimators  # noqa: PLC0415  they import MLflow and scikit-learn, for seconds

    yield from estimators.sklearn_cases()
    if everything:
        yield from estimators.boosted_cases()
        yield from estimators.other_cases()
    yield from answers.answer_cases()
    yield from answers.input_cases()


if __name__ == "__main__":
    main()
