"""Runs the comparison: progress, a table, and one JSON object as the last line."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.serving import figures, load, processes, servers
from bench.serving.load import Measured

CONNECTIONS = (1, 16, 64)
WANTED = {"lr": {1: 6, 16: 35, 64: 60}, "rf": {1: 2, 16: 15, 64: 40}}  # at least, as a ratio of throughputs
WANTED_P99 = 1 / 20  # at most, LR at 16 connections
WANTED_MEMORY = 0.7  # at most
WANTED_BATCH_ROWS = 50_000  # a second, at least
WANTED_SCORE_ROWS = {"parquet": 800_000, "csv": 300_000}  # a second, at least
WANTED_BESIDE_PEERS = {"lr": {1: 2, 16: 5, 64: 8}, "rf": {1: 1, 16: 3, 64: 8}}  # at least
WANTED_SHARES = {"limit_share": 0.5, "overload_share": 0.8, "grpc_share": 1.0}  # at least
WANTED_ADDED_MS = {"median": 0.25, "p99": 1.0}  # at most
WANTED_START_S = 1.5  # at most
BATCH_ROWS = 1000


def main() -> None:
    """Measure, and print a table; JSON on the last line."""
    options = argparse.ArgumentParser(prog="bench.serving", description=__doc__)
    options.add_argument("--seconds", type=int, default=5, help="of one run of wrk")
    options.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    options.add_argument("--no-peers", action="store_true", help="leave out the servers from PyPI")
    chosen = options.parse_args()
    load.require_wrk()
    with tempfile.TemporaryDirectory(prefix="podium-bench-") as name, servers.registry(Path(name)) as store:
        result = Bench(Path(name), store, chosen.seconds, chosen.rounds, with_peers=not chosen.no_peers).run()
    print_table(result)
    print(json.dumps(result))


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


class Bench:
    """One comparison, in a folder of its own; `store` is the address of the registry."""

    def __init__(self, folder: Path, store: str, seconds: int, rounds: int, *, with_peers: bool = True) -> None:
        self.with_peers = with_peers
        self.folder, self.store, self.seconds, self.rounds = folder, store, seconds, rounds
        self.environ = {**os.environ, "MLFLOW_TRACKING_URI": store, "MLFLOW_DISABLE_TELEMETRY": "true"}
        root = Path(__file__).parents[2]
        self.environ["PYTHONPATH"] = os.environ["PYTHONPATH"] = f"{root / 'operator'}:{root}"
        self.result: dict[str, Any] = {"absolute": {}}

    def run(self) -> dict[str, Any]:
        """Measure every part, and return the result of the last line."""
        say("training and registering the models …")
        train = [sys.executable, str(Path(__file__).with_name("models.py")), str(self.folder)]
        with (self.folder / "train.log").open("wb") as log:
            subprocess.run(train, env=self.environ, cwd=self.folder, check=True, stdout=log, stderr=log)
        for model in WANTED:
            self.compare(model)
        self.result["start_s"] = figures.start_s(self.folder, self.store, self.rounds)
        self.result["grpc_share"] = figures.grpc_share(self.folder, self.store, self.seconds, self.rounds)
        self.result["processes_per_s"] = processes.per_second(self.folder, self.store, self.seconds, self.rounds)
        self.result["overload_share"] = figures.overload_share(self.folder, self.store, 10.0)
        self.result["score_rows_per_s"] = self.score("parquet")
        self.result["score_csv_rows_per_s"] = self.score("csv")
        return self.result

    def compare(self, model: str) -> None:
        """Measure both servers of one model, in turn."""
        say(f"starting both servers of {model} …")
        mlflow, podium = (start(model, self.store, self.folder) for start in (servers.mlflow, servers.podium))
        with mlflow as theirs, podium as ours:
            runs: dict[tuple[str, int], list[Measured]] = {}
            for connections in CONNECTIONS:
                self.in_turn(model, connections, (theirs, ours), runs)
            if model == "lr":
                self.memory(theirs, ours)
                self.result["batch_rows_per_s"] = self.batch(ours)
                self.result["limit_share"] = figures.limit_share(self.folder, ours, self.seconds, self.rounds)
                self.result["added_ms"] = figures.added_ms(self.folder, ours, self.rounds)
        self.result[model] = ratios(model, runs, self.result)
        if self.with_peers:
            self.beside_peers(model)

    def beside_peers(self, model: str) -> None:
        """Measure one model beside the peers, in turns."""
        say(f"peers of {model} …")
        with servers.podium(model, self.store, self.folder) as ours:
            found = figures.peers(self.folder, ours, model, self.seconds, rounds=self.rounds, say=say)
        self.result.setdefault("peers", {})[model] = found

    def in_turn(
        self,
        model: str,
        connections: int,
        both: tuple[servers.Server, ...],
        runs: dict[tuple[str, int], list[Measured]],
    ) -> None:
        """Measure both servers in turn, round by round, at this number of connections."""
        lua = load.script(self.folder / "one.json")
        for number in range(self.rounds):
            for server in both:
                measured = load.measure(f"{server.url}/invocations", lua, connections, self.seconds)
                runs.setdefault((server.name, connections), []).append(measured)
                say(f"  {model} c={connections} round {number + 1}: {server.name} {describe(measured)}")

    def memory(self, theirs: servers.Server, ours: servers.Server) -> None:
        """Measure what both servers take, as PSS."""
        found = {server.name: server.memory_mib() for server in (theirs, ours)}
        self.result["memory"] = round(found["podium"] / found["mlflow"], 3)
        self.result["absolute"]["memory_mib"] = {name: round(mib, 1) for name, mib in found.items()}

    def batch(self, ours: servers.Server) -> int:
        """Rows per second of the batch endpoint."""
        lua = load.script(self.folder / "batch.json")
        runs = [load.measure(f"{ours.url}/api/v1/batch", lua, 2, self.seconds) for _ in range(self.rounds)]
        rows = round(statistics.median(each.per_second for each in runs) * BATCH_ROWS)
        say(f"  batches of {BATCH_ROWS} rows: {rows:,} rows/s")
        return rows

    def score(self, kind: str) -> int:
        """Rows per second of `podium score`."""
        say(f"podium score, a million rows of {kind} …")
        command = [sys.executable, "-m", "podium.cli.score", "--model", "models:/lr/1", "--json"]
        command += ["--input", str(self.folder / f"million.{kind}"), "--output", str(self.folder / f"scored.{kind}")]
        with (self.folder / "score.log").open("wb") as log:
            done = subprocess.run(
                command, env=self.environ, cwd=self.folder, check=True, stdout=subprocess.PIPE, stderr=log, text=True
            )
        rows: int = json.loads(done.stdout.splitlines()[-1])["rows_per_s"]
        say(f"  {rows:,} rows/s")
        return rows


def describe(measured: Measured) -> str:
    """One measurement, for people."""
    failed = f", {measured.failed} FAILED" if measured.failed else ""
    return f"{measured.per_second:,.0f}/s, p99 {measured.p99_seconds * 1000:,.1f} ms{failed}"


def ratios(model: str, runs: dict[tuple[str, int], list[Measured]], result: dict[str, Any]) -> dict[str, Any]:
    """Podium's figures as multiples of MLflow's; the absolute ones go into the result."""
    rates = {key: statistics.median(each.per_second for each in measured) for key, measured in runs.items()}
    p99s = {key: statistics.median(each.p99_seconds for each in measured) for key, measured in runs.items()}
    result["absolute"][model] = {
        f"c{connections}": {
            name: {
                "per_second": round(rates[name, connections], 1),
                "p99_ms": round(p99s[name, connections] * 1000, 2),
                "failed": sum(each.failed for each in runs[name, connections]),
            }
            for name in ("mlflow", "podium")
        }
        for connections in CONNECTIONS
    }
    found = {f"c{each}": round(rates["podium", each] / rates["mlflow", each], 1) for each in CONNECTIONS}
    return {**found, "p99_c16": round(p99s["podium", 16] / p99s["mlflow", 16], 4)}


def beside(result: dict[str, Any]) -> Iterator[tuple[str, str, Any, bool]]:
    """Yield the rows of the table that are not about MLflow's server."""
    for model, ratios_ in result.get("peers", {}).items():
        for connections, wanted in WANTED_BESIDE_PEERS[model].items():
            found = ratios_[f"c{connections}"]
            yield (
                f"{model} beside the best peer, c={connections}",
                f">= {wanted}",
                found,
                found is not None and found >= wanted,
            )
    for name, least in WANTED_SHARES.items():
        found = result[name]
        yield name, f">= {least}", found, found is not None and found >= least
    for name, most in WANTED_ADDED_MS.items():
        found = result["added_ms"][name]
        yield f"added to predict, {name} ms", f"<= {most}", found, found <= most
    yield "start beyond the load, s", f"<= {WANTED_START_S}", result["start_s"], result["start_s"] <= WANTED_START_S


def print_table(result: dict[str, Any]) -> None:
    """Print what was expected and what was found."""
    rows = [
        (f"{model} throughput c={each}", f">= {wanted}", result[model][f"c{each}"], result[model][f"c{each}"] >= wanted)
        for model, by_connections in WANTED.items()
        for each, wanted in by_connections.items()
    ]
    p99, memory = result["lr"]["p99_c16"], result["memory"]
    rows.append(("lr p99 latency c=16", f"<= {WANTED_P99}", p99, p99 <= WANTED_P99))
    rows.append(("memory (PSS)", f"<= {WANTED_MEMORY}", memory, memory <= WANTED_MEMORY))
    batch_rows = result["batch_rows_per_s"]
    rows.append(("batch rows/s", f">= {WANTED_BATCH_ROWS}", batch_rows, batch_rows >= WANTED_BATCH_ROWS))
    for key, kind in (("score_rows_per_s", "parquet"), ("score_csv_rows_per_s", "csv")):
        limit = WANTED_SCORE_ROWS[kind]
        rows.append((f"score {kind} rows/s", f">= {limit}", result[key], result[key] >= limit))
    rows += beside(result)
    say(f"\n{'ratio to mlflow models serve':32}{'expected':>12}{'found':>12}")
    for what, wanted, found, reached in rows:
        say(f"{what:32}{wanted:>12}{found:>12}  {'' if reached else 'NOT REACHED'}")


if __name__ == "__main__":
    main()
