"""Reloads in place under a constant rate of requests: none fails, each new version answers, and memory stays flat.

    python -m bench.serving.reloads [--reloads 1000] [--rate 200]

Two models take each other's place by the word of a file, a forest of 100 trees and a linear one. After each swap the
answer is compared with that of the model that should have given it. The client runs on the same machine as the server.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import mlflow.sklearn
import uvloop
from mlflow.models import infer_signature
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression

from bench.serving.openloop import Client, Record
from bench.serving.overload import say
from bench.serving.servers import Server, free_port, process
from podium.runtime.loading.artifact import digest_of_directory

CONNECTIONS = 16
SLICE_SECONDS = 5.0  # of requests that one record holds
LOOK_SECONDS = 0.05  # between two looks at what serves
LONGEST_SECONDS = 120.0  # for one reload
SETTLED = 0.1  # of the reloads: until then, memory may grow
WANTED_GROWTH = 1.1  # of memory from then on, at most


@dataclass(frozen=True)
class Saved:
    """A model on disk."""

    path: Path
    digest: str
    answer: float  # to the request

    @property
    def word(self) -> str:
        """The file's content that names it."""
        return json.dumps({"uri": str(self.path), "digest": self.digest})


@dataclass
class Findings:
    """What was seen so far."""

    seconds: list[float] = field(default_factory=list)  # from the word to the new version's first answer
    memory_mib: list[float] = field(default_factory=list)  # after each reload
    wrong: list[str] = field(default_factory=list)  # answers that are not the new version's
    records: list[Record] = field(default_factory=list)


def main() -> None:
    """Reload, and print what was found; JSON on the last line."""
    options = argparse.ArgumentParser(prog="bench.serving.reloads", description=__doc__)
    options.add_argument("--reloads", type=int, default=1000)
    options.add_argument("--rate", type=float, default=200.0, help="requests a second")
    chosen = options.parse_args()
    warnings.simplefilter("ignore")  # MLflow and scikit-learn warn of each other
    with tempfile.TemporaryDirectory(prefix="podium-bench-") as name:
        result = run(Path(name), chosen.reloads, chosen.rate)
    for problem in (problems := shortfalls(result)):
        say(f"NOT REACHED: {problem}")
    print(json.dumps(result))
    raise SystemExit(1 if problems else 0)


def run(folder: Path, reloads: int, rate: float) -> dict[str, Any]:
    """Train, start the server, and reload so many times."""
    body, models = trained(folder)
    file, port = folder / "model.json", free_port()
    write(file, models[0].word)
    environ = {
        "PODIUM_MODEL_FILE": str(file),
        "PODIUM_HOST": "127.0.0.1",
        "PODIUM_PORT": str(port),
        "PODIUM_DRAIN_SECONDS": "0",
        "PYTHONPATH": str(Path(__file__).parents[2] / "operator"),
    }
    command = [sys.executable, "-m", "podium.runtime"]
    with process("podium", command, f"http://127.0.0.1:{port}/readyz", environ, folder) as server:
        findings = uvloop.run(measured(server, body, rate, Words(file, models, reloads)))
        return told(findings, rate)


def trained(folder: Path) -> tuple[bytes, list[Saved]]:
    """The body of a request, and the models that answer it."""
    features, target = load_diabetes(return_X_y=True, as_frame=True)
    example = features.head(1)
    models = []
    for name, estimator in (("forest", RandomForestRegressor(100, random_state=0)), ("linear", LinearRegression())):
        estimator.fit(features, target)
        signature = infer_signature(features, estimator.predict(features))
        path = folder / name
        mlflow.sklearn.save_model(
            estimator, path, signature=signature, input_example=example, serialization_format="cloudpickle"
        )
        models.append(Saved(path, digest_of_directory(path), float(estimator.predict(example)[0])))
    return json.dumps({"dataframe_records": example.to_dict(orient="records")}).encode(), models


def write(file: Path, text: str) -> None:
    """Replace the file whole, as Kubernetes does."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.rename(file)


@dataclass(frozen=True)
class Words:
    """What the file is to say, one after another."""

    file: Path
    models: Sequence[Saved]
    count: int


async def measured(server: Server, body: bytes, rate: float, words: Words) -> Findings:
    """Ask at a constant rate while the file changes again and again."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    findings = Findings()
    client = await Client(host, int(port), "/invocations", body).connect(CONNECTIONS)
    speaking = asyncio.create_task(_speak(server, body, words, findings))
    while not speaking.done():
        record = await client.offer(rate, SLICE_SECONDS)
        await client.settle(record, 30)
        findings.records.append(record)
    client.close()
    await speaking
    return findings


async def _speak(server: Server, body: bytes, words: Words, findings: Findings) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        for number in range(1, words.count + 1):
            model = words.models[number % len(words.models)]
            started = time.monotonic()
            write(words.file, model.word)
            async with asyncio.timeout(LONGEST_SECONDS):
                while (await _asked(client, body))[0] != model.path.name:  # noqa: ASYNC110  another process swaps
                    await asyncio.sleep(LOOK_SECONDS)
            findings.seconds.append(time.monotonic() - started)
            name, answer = await _asked(client, body)
            if name != model.path.name or abs(answer - model.answer) > 1e-6:
                findings.wrong.append(
                    f"reload {number}: expected {model.path.name} {model.answer}, found {name} {answer}"
                )
            findings.memory_mib.append(server.memory_mib())
            if number % max(words.count // 20, 1) == 0:
                say(f"{number} reloads, {findings.memory_mib[-1]:.0f} MiB, the last in {findings.seconds[-1]:.2f} s")


async def _asked(client: httpx.AsyncClient, body: bytes) -> tuple[str, float]:
    answer = await client.post("/invocations", content=body, headers={"content-type": "application/json"})
    return answer.headers["x-podium-model"], float(answer.json()["predictions"][0])


def told(findings: Findings, rate: float) -> dict[str, Any]:
    """The figures."""
    records, memory = findings.records, findings.memory_mib
    latency = sorted(seconds for record in records for seconds in record.latency)
    first, last = (statistics.median(part) for part in _ends(memory))
    return {
        "reloads": len(findings.seconds),
        "rate": rate,
        "requests": sum(record.sent for record in records),
        "failed": sum(record.lost for record in records),
        "unsent": sum(record.unsent for record in records),
        "wrong": len(findings.wrong),
        "examples": findings.wrong[:5],
        "reload_s": {"median": statistics.median(findings.seconds), "max": max(findings.seconds)},
        "latency_ms": {str(part): latency[int(part * (len(latency) - 1))] * 1000 for part in (0.5, 0.99, 1.0)},
        "memory_mib": {"first": first, "last": last, "max": max(memory)},
    }


def _ends(memory: list[float]) -> tuple[list[float], list[float]]:
    """A tenth of the values, once all is warm, and the last tenth."""
    size = max(int(len(memory) * SETTLED), 1)
    return memory[size : 2 * size] or memory, memory[-size:]


def shortfalls(result: dict[str, Any]) -> list[str]:
    """Return what was expected and not found, in words."""
    memory = result["memory_mib"]
    checks = {
        f"no request failed; found {result['failed']}": result["failed"] == 0,
        f"each answer the new version's; found {result['examples']}": result["wrong"] == 0,
        f"memory at most {WANTED_GROWTH:g} times; found {memory}": memory["last"] <= WANTED_GROWTH * memory["first"],
    }
    return [expected for expected, reached in checks.items() if not reached]


if __name__ == "__main__":
    main()
