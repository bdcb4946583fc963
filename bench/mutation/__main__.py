"""Mutates, lists the survivors with what was changed in them, and prints one JSON object as the last line."""

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.mutation import outcome, tree

NONE = "made.but.not.run"  # a name that no mutant has: mutmut makes all of them and measures the tests first


def main() -> None:
    """Run all mutants, or a sample, and list the survivors; JSON on the last line."""
    options = argparse.ArgumentParser(prog="bench.mutation", description=__doc__)
    options.add_argument("--sample", type=int, default=0, help="only this many mutants, drawn at random (default: all)")
    options.add_argument("--seed", type=int, default=1, help="of the draw")
    options.add_argument("--only", default="", help="only mutants whose name contains this, such as core.rollout")
    options.add_argument("--folder", type=Path, default=Path("build/bench-mutation"))
    options.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    chosen = options.parse_args()
    tree.prepare(chosen.folder)
    _mutmut(chosen.folder, "run", NONE)
    made = [name for name in outcome.names(chosen.folder) if chosen.only in name]
    if chosen.sample:
        made = random.Random(chosen.seed).sample(made, min(chosen.sample, len(made)))
    _mutmut(chosen.folder, "run", f"--max-children={chosen.workers}", *made)
    found = outcome.read(chosen.folder)
    for name in found.survivors:
        print(_change(chosen.folder, name), flush=True)
    print(json.dumps(found.as_json()))


def _mutmut(folder: Path, *words: str) -> None:
    """Mutmut's exit code says whether mutants survived, or that none was run: what it did is in its files."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*_COMMAND, *words], cwd=folder, env=environment, check=False, stdout=sys.stderr)


def _change(folder: Path, name: str) -> str:
    shown = subprocess.run([*_COMMAND, "show", name], cwd=folder, check=True, capture_output=True, text=True).stdout
    return "\n".join([name, *_changed_lines(shown.splitlines())])


def _changed_lines(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]


_COMMAND = (sys.executable, "-m", "mutmut")

if __name__ == "__main__":
    main()
