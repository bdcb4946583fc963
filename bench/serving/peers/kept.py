"""The peers: what each needs, how it starts, and how it is asked."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.serving import servers
from bench.serving.servers import Server

HERE = Path(__file__).parent
KEPT = HERE.parents[2] / "build" / "bench"
MODEL_PINS = ("scikit-learn==1.9.1", "numpy==2.4.6", "scipy==1.17.1", "joblib==1.6.0", "pandas==3.1.1")
ROWS = "rows.json"


@dataclass(frozen=True)
class Peer:
    """One server."""

    name: str
    pins: tuple[str, ...]
    command: Callable[[Path, int], list[str]]  # from its folder of programs, and a port
    path: str = "/predict"
    body: str = ROWS

    @property
    def folder(self) -> Path:
        """Where its virtual environment is kept, by its pins."""
        pins = " ".join((*self.pins, *MODEL_PINS))
        return KEPT / f"peer-{self.name}-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"


PEERS = (
    Peer(
        "fastapi",
        ("fastapi==0.165.0", "uvicorn[standard]==0.54.0"),
        lambda bin_, port: [
            str(bin_ / "uvicorn"), "fastapi_service:app", "--app-dir", str(HERE), "--port", str(port),
            "--log-level", "warning",
        ],
    ),
    Peer(
        "litserve",
        ("litserve==0.2.19",),
        lambda bin_, _: [str(bin_ / "python"), str(HERE / "litserve_service.py")],
    ),
    Peer(
        "bentoml",
        ("bentoml==1.4.40",),
        lambda bin_, port: [
            str(bin_ / "bentoml"), "serve", "bentoml_service:Predictor", "--working-dir", str(HERE),
            "--host", "127.0.0.1", "--port", str(port),
        ],
    ),
    Peer(
        "mlserver",
        ("mlserver==1.7.1", "mlserver-sklearn==1.7.1"),
        lambda bin_, _: [str(bin_ / "mlserver"), "start", "."],
        path="/v2/models/model/infer",
        body="tensors.json",
    ),
    Peer("ray", ("ray[serve]==2.60.0",), lambda bin_, _: [str(bin_ / "python"), str(HERE / "ray_service.py")]),
)  # fmt: skip


def install(peer: Peer) -> bool:
    """Make a peer's environment unless it is there. Returns whether it is."""
    if (peer.folder / ".installed").exists():
        return True
    print(f"installing {peer.name}, once …", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(peer.folder)], check=True)
    pip = [str(peer.folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *peer.pins, *MODEL_PINS], check=False)
    if done.returncode == 0:
        (peer.folder / ".installed").touch()
    return done.returncode == 0


def write_bodies(folder: Path) -> None:
    """Write the row of `one.json` as the peers want it."""
    (row,) = json.loads((folder / "one.json").read_text())["dataframe_split"]["data"]
    (folder / ROWS).write_text(json.dumps({"rows": [row]}))
    tensor = {"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": row}
    (folder / "tensors.json").write_text(json.dumps({"inputs": [tensor]}))


@contextmanager
def running(peer: Peer, model: Path, folder: Path) -> Iterator[Server]:
    """Serve a joblib file by a peer; its `url` is where predictions are asked for."""
    port = servers.free_port()
    work = folder / f"{peer.name}-{model.stem}"
    work.mkdir(exist_ok=True)
    settings = {"http_port": port, "grpc_port": servers.free_port(), "metrics_port": servers.free_port()}
    (work / "settings.json").write_text(json.dumps({**settings, "host": "127.0.0.1", "parallel_workers": 0}))
    served = {"name": "model", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": str(model)}}
    (work / "model-settings.json").write_text(json.dumps(served))
    environ = {"MODEL": str(model), "PORT": str(port), "RAY_USAGE_STATS_ENABLED": "0", "BENTOML_DO_NOT_TRACK": "true"}
    environ |= {"PYTHONPATH": "", "PATH": f"{peer.folder / 'bin'}:{os.environ['PATH']}"}
    url = f"http://127.0.0.1:{port}{peer.path}"
    body = (folder / peer.body).read_bytes()
    command = peer.command(peer.folder / "bin", port)
    with servers.process(peer.name, command, url, environ, work, asked=body) as server:
        yield server
