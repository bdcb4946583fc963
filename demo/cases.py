"""The real rows of the data set, as clients send them: one row a request, in the form of MLflow's `/invocations`."""

import json

from sklearn.datasets import load_breast_cancer


def bodies() -> list[bytes]:
    """One body for each of the 569 rows."""
    features = load_breast_cancer(as_frame=True).data
    columns = list(features.columns)
    return [_body(columns, [float(value) for value in row]) for row in features.to_numpy()]


def _body(columns: list[str], row: list[float]) -> bytes:
    return json.dumps({"dataframe_split": {"columns": columns, "data": [row]}}).encode()
