"""What counting rows by the bins of a training profile adds to the model server: CPU and memory, side by side.

Two servers of one model, 30 features and a profile of them all, one of which counts; the same requests, in turns.
"""

import json
import os
import statistics
import tempfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

from bench.serving import load, servers
from podium import profile
from podium.core.drift.profile import FILE

FEATURES = 30
SECONDS, ROUNDS, CONNECTIONS = 4, 5, 16
WANTED = {"cpu_share": 0.1, "memory_mib": 2.0}  # at most
_BODIES = {"one row": 1, "a hundred rows": 100}


def main() -> None:
    """Measure, and print the figures; JSON on the last line."""
    load.require_wrk()
    with tempfile.TemporaryDirectory(prefix="podium-bench-") as name:
        found = added(Path(name), SECONDS, ROUNDS)
    for what, most in WANTED.items():
        print(f"{what:<12} <= {most:<6g} {found[what]:<8g} {'' if found[what] <= most else 'NOT REACHED'}")
    print(json.dumps(found))


def added(folder: Path, seconds: int, rounds: int) -> dict[str, float]:
    """The part of the CPU time of a request that is added, at the most of the bodies, and MiB of memory."""
    bodies, model = _bodies(folder), folder / "model"
    common = {"MODEL_URI": str(model)}
    shares = {}
    with (
        servers.podium("plain", "", folder, **common) as plain,
        servers.podium("counts", "", folder, **common, DRIFT="on") as counts,
    ):
        for what, lua in bodies.items():
            taken: dict[str, list[float]] = {"plain": [], "counts": []}
            for _ in range(rounds):
                for server, of in ((plain, "plain"), (counts, "counts")):
                    before = _cpu_seconds(server.process.pid)
                    rate = load.measure(f"{server.url}/invocations", lua, CONNECTIONS, seconds).per_second
                    taken[of].append((_cpu_seconds(server.process.pid) - before) / (rate * seconds))
            plain_us, counts_us = (1e6 * statistics.median(taken[of]) for of in ("plain", "counts"))
            shares[what] = counts_us / plain_us - 1
            print(f"{what}: {plain_us:.1f} µs of CPU a request, {counts_us:.1f} where rows are counted", flush=True)
        memory = counts.memory_mib() - plain.memory_mib()
    return {"cpu_share": round(max(shares.values()), 4), "memory_mib": round(memory, 2)}


def _bodies(folder: Path) -> dict[str, Path]:
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(chance.normal(size=(2000, FEATURES)), columns=[f"f{number}" for number in range(FEATURES)])
    estimator = LogisticRegression().fit(frame, frame["f0"] > 0)
    predictions = estimator.predict(frame)
    mlflow.sklearn.save_model(estimator, folder / "model", signature=infer_signature(frame, predictions))
    made = profile.profile_of(frame, dict.fromkeys(frame.columns, "number"), predictions)
    (folder / "model" / FILE).write_text(made.text)
    found = {}
    for what, rows in _BODIES.items():
        split = {"columns": list(frame.columns), "data": frame.head(rows).to_numpy().tolist()}
        (folder / f"{rows}.json").write_text(json.dumps({"dataframe_split": split}))
        found[what] = load.script(folder / f"{rows}.json")
    return found


def _cpu_seconds(pid: int) -> float:
    """What the process has used, by itself and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
