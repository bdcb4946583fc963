"""A model from code that says which process predicted, and does what its row asks for. Loaded by MLflow alone."""

import os
import signal
import time
from pathlib import Path

import mlflow


class Busy(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Answers with the number of its process, after as many seconds as the column `seconds` says."""

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # MLflow reads type hints
        what, seconds = model_input["what"].iloc[0], float(model_input["seconds"].iloc[0])
        until = time.monotonic() + seconds
        while time.monotonic() < until:  # as a model does that computes: it waits for nothing
            pass
        if what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "fork" and os.fork() == 0:
            raise ValueError("in what was forked")
        if what == "fork and die":
            child = os.fork()
            while child == 0:
                time.sleep(1)
            Path("child").write_text(str(child))
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "raise":
            raise ValueError("of the model")
        if what == "leave":
            raise SystemExit(3)
        if what == "lambda":
            return {"no": lambda: "pickle"}
        return [os.getpid()]


mlflow.models.set_model(Busy())
