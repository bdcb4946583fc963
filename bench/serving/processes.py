"""A model of pure Python, which holds the interpreter lock: what more processes that predict make of it."""

import json
import statistics
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import infer_signature

from bench.serving import load, servers

CONNECTIONS = 16
COUNTS = (1, 2)
ONE = pd.DataFrame({"x": [1.0]})
CODE = """
import mlflow

class Slow(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        total = 0.0
        for number in range(100_000):  # some 5 ms
            total += number * model_input["x"].iloc[0] if number == 0 else number
        return [total]

mlflow.models.set_model(Slow())
"""


def per_second(folder: Path, store: str, seconds: int, rounds: int) -> dict[str, float]:
    """Return the answers a second by number of processes, the median of rounds that take turns."""
    (folder / "slow.py").write_text(CODE)
    model = folder / "slow"
    signature = infer_signature(ONE, [1.0])
    mlflow.pyfunc.save_model(model, python_model=str(folder / "slow.py"), signature=signature, pip_requirements=[])
    (folder / "slow.json").write_text(json.dumps({"dataframe_split": {"columns": ["x"], "data": [[1.0]]}}))
    lua, found = load.script(folder / "slow.json"), dict[str, list[float]]()
    for _ in range(rounds):
        for count in COUNTS:
            with servers.podium("slow", store, folder, MODEL_URI=str(model), PROCESSES=str(count)) as server:
                measured = load.measure(f"{server.url}/invocations", lua, CONNECTIONS, seconds)
            found.setdefault(str(count), []).append(measured.per_second)
    return {count: round(statistics.median(rates), 1) for count, rates in found.items()}
