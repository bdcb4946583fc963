"""What an estimator itself takes for one row, without any server: `python -m bench.serving.own MODEL ONE_JSON COUNT`.

Prints the seconds of each prediction as a JSON list.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import joblib
import numpy as np


def main(model: str, body: str, count: int) -> None:
    """Print the seconds of `count` predictions of one row by the model alone, as JSON."""
    warnings.simplefilter("ignore")
    estimator = joblib.load(model)
    row = np.array(json.loads(Path(body).read_text())["dataframe_split"]["data"])
    taken = []
    for _ in range(count):
        started = time.perf_counter()
        estimator.predict(row)
        taken.append(time.perf_counter() - started)
    print(json.dumps(taken[count // 10 :]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
