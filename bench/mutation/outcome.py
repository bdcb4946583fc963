"""What became of each mutant, as mutmut's files say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KILLED = {1, 3, 36, 24, -24, 152, 255}  # exit codes of pytest for a failure; the others are mutmut's for a time-out
NOT_RUN = {None, 34}  # not chosen, or skipped


@dataclass(frozen=True)
class Outcome:
    """The exit code of the tests for each mutant that was run, by the mutant's name."""

    codes: Mapping[str, int]

    @property
    def survivors(self) -> list[str]:
        """The mutants that no test noticed, or that no test reaches."""
        return sorted(name for name, code in self.codes.items() if code not in KILLED)

    def as_json(self) -> dict[str, Any]:
        """The figures; `score` is the share that was killed."""
        mutants, survived = len(self.codes), len(self.survivors)
        score = round((mutants - survived) / mutants, 4) if mutants else 0.0
        return {"mutants": mutants, "survived": survived, "score": score}


def read(folder: Path) -> Outcome:
    """The outcome of the run in this folder."""
    return Outcome({name: code for name, code in _codes(folder).items() if code not in NOT_RUN})


def names(folder: Path) -> list[str]:
    """All mutants that mutmut has made, in order."""
    return sorted(_codes(folder))


def _codes(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in folder.glob("mutants/**/*.meta"):
        found |= json.loads(file.read_text())["exit_code_by_key"]
    return found
