"""The server, with a logistic regression that hangs while a file `hold` is here."""

import runpy
import time
from pathlib import Path
from typing import Any

from sklearn.linear_model import LogisticRegression

_predict = LogisticRegression.predict


def predict(self: LogisticRegression, x: Any) -> Any:
    while Path("hold").exists():
        time.sleep(0.01)
    return _predict(self, x)


if __name__ == "__main__":
    LogisticRegression.predict = predict
    runpy.run_module("podium.runtime", run_name="__main__")
