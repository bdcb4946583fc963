"""The figures beside throughput: the limit, what is added to a prediction, gRPC, the start, overload."""

import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from bench.serving import load, overload, servers
from bench.serving.peers import kept

Say = Callable[[str], None]
_ROW = 2000  # requests one after another


def peers(folder: Path, ours: servers.Server, model: str, seconds: int, *, rounds: int, say: Say) -> dict[str, Any]:
    """Return for each number of connections our throughput as a ratio to the best peer's, and who that is."""
    kept.write_bodies(folder)
    rates: dict[str, dict[int, float]] = {}
    own: dict[int, list[float]] = {each: [] for each in (1, 16, 64)}
    lua = load.script(folder / "one.json")
    for peer in kept.PEERS:
        if not kept.install(peer):
            say(f"  {peer.name} cannot be installed: it is left out")
            continue
        try:
            with kept.running(peer, folder / f"{model}.joblib", folder) as server:
                found: dict[int, list[float]] = {each: [] for each in own}
                body = load.script(folder / peer.body)
                for connections, ourselves in own.items():
                    for _ in range(rounds):
                        measured = load.measure(server.url, body, connections, seconds)
                        found[connections].append(measured.per_second if not measured.failed else 0.0)
                        beside = load.measure(f"{ours.url}/invocations", lua, connections, seconds)
                        ourselves.append(beside.per_second)
                rates[peer.name] = {each: statistics.median(runs) for each, runs in found.items()}
                say(f"  {model} {peer.name}: " + ", ".join(f"c={c} {r:,.0f}/s" for c, r in rates[peer.name].items()))
        except SystemExit as error:  # it does not start: its log is named
            say(f"  {peer.name}: {error}")
    return ratios(rates, {each: statistics.median(runs) for each, runs in own.items() if runs})


def ratios(rates: dict[str, dict[int, float]], own: dict[int, float]) -> dict[str, Any]:
    """Return our rates as ratios to the best peer's, by the number of connections; None where there is no peer."""
    result: dict[str, Any] = {}
    for connections, ours in own.items():
        if not rates:
            result[f"c{connections}"] = None
            continue
        best = max(rates, key=lambda name: rates[name][connections])
        result[f"c{connections}"] = round(ours / rates[best][connections], 2)
        result[f"best_c{connections}"] = best
    result["per_second"] = {name: {f"c{c}": round(rate, 1) for c, rate in each.items()} for name, each in rates.items()}
    return result


def limit_share(folder: Path, ours: servers.Server, seconds: int, rounds: int) -> float:
    """Return LR's throughput at 16 connections as a share of an echo's on the same HTTP code."""
    port, lua, shares = servers.free_port(), load.script(folder / "one.json"), []
    command = [sys.executable, "-m", "bench.serving.echo", str(port)]
    with servers.process("echo", command, f"http://127.0.0.1:{port}/", {}, folder, asked=b"{}") as echo:
        for _ in range(rounds):
            limit = load.measure(echo.url, lua, 16, seconds).per_second
            shares.append(load.measure(f"{ours.url}/invocations", lua, 16, seconds).per_second / limit)
    return round(statistics.median(shares), 3)


def added_ms(folder: Path, ours: servers.Server, rounds: int) -> dict[str, float]:
    """Return what the server adds at one connection to the estimator's own time for the row: median, and p99."""
    command = [
        sys.executable,
        "-m",
        "bench.serving.own",
        str(folder / "lr.joblib"),
        str(folder / "one.json"),
        str(_ROW),
    ]
    medians, p99s = [], []
    for _ in range(rounds):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        alone, asked = json.loads(done.stdout), _asked(ours, (folder / "one.json").read_bytes())
        medians.append(statistics.median(asked) - statistics.median(alone))
        p99s.append(overload.percentile(asked, 99) - overload.percentile(alone, 99))
    return {"median": round(statistics.median(medians) * 1e3, 3), "p99": round(statistics.median(p99s) * 1e3, 3)}


def _asked(ours: servers.Server, body: bytes) -> list[float]:
    connection = http.client.HTTPConnection(ours.url.removeprefix("http://"))
    taken = []
    for _ in range(_ROW):
        started = time.perf_counter()
        connection.request("POST", "/invocations", body, {"content-type": "application/json"})
        connection.getresponse().read()
        taken.append(time.perf_counter() - started)
    connection.close()
    return taken[_ROW // 10 :]


def start_s(folder: Path, store: str, rounds: int) -> float:
    """Return the seconds from a start to readiness, less those in which the model itself is loaded."""
    beyond = []
    for number in range(rounds):
        work = folder / f"start-{number}"
        work.mkdir()
        started = time.monotonic()
        with servers.podium("lr", store, work):
            took = time.monotonic() - started
        (own,) = re.findall(r"loaded in ([0-9.]+) s", (work / "podium.log").read_text())
        beyond.append(took - float(own))
    return round(statistics.median(beyond), 2)


def overload_share(folder: Path, store: str, seconds: float) -> float:
    """Return what is answered a second at twice the sustainable rate, as a share of that rate."""
    plan = overload.Plan(connections=300, seconds=seconds, times=2.0, queue_limit=128)
    with servers.podium("lr", store, folder, QUEUE_LIMIT=str(plan.queue_limit)) as server:
        found = uvloop.run(overload.measured(server, (folder / "one.json").read_bytes(), plan))
    return float(round(found["answered"] / seconds / found["sustainable_per_s"], 3))


def grpc_share(folder: Path, store: str, seconds: int, rounds: int) -> float | None:
    """Return gRPC's throughput beside that of /infer at 16 connections, by one client of both; None: it is not here."""
    if not load.has_h2load():
        return None
    from podium.runtime.protocols.messages import ModelInferRequest  # noqa: PLC0415  only this figure wants it

    split = json.loads((folder / "one.json").read_text())["dataframe_split"]
    (row,) = split["data"]
    request = ModelInferRequest(model_name="lr")
    for name, cell in zip(split["columns"], row, strict=True):
        request.inputs.add(name=name, datatype="FP64", shape=[1]).contents.fp64_contents.append(cell)
    message = request.SerializeToString()
    (folder / "call.bin").write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
    tensors = [
        {"name": n, "datatype": "FP64", "shape": [1], "data": [c]} for n, c in zip(split["columns"], row, strict=True)
    ]
    (folder / "infer.json").write_text(json.dumps({"inputs": tensors}))
    port, shares = servers.free_port(), []
    with servers.podium("lr", store, folder, GRPC_PORT=str(port)) as server:
        for _ in range(rounds):
            call = f"http://127.0.0.1:{port}/inference.GRPCInferenceService/ModelInfer"
            by_grpc = load.h2load(call, folder / "call.bin", 16, seconds, "application/grpc", http1=False)
            infer = f"{server.url}/v2/models/lr/infer"
            by_rest = load.h2load(infer, folder / "infer.json", 16, seconds, "application/json", http1=True)
            shares.append(by_grpc / by_rest)
    return round(statistics.median(shares), 3)
