"""Trains and registers what is served: 30 features, a logistic regression and a forest of 100 trees."""

import json
import sys
from pathlib import Path

import joblib
import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from mlflow.models import infer_signature
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

FEATURES = 30
ROWS = 2000


def main(folder: Path) -> None:
    """Train and register the bench's models, and write its bodies into the folder."""
    data, target = make_classification(ROWS, FEATURES, n_informative=15, random_state=0)
    frame = pd.DataFrame(data, columns=[f"f{number}" for number in range(FEATURES)])
    for name, model in {
        "lr": LogisticRegression(max_iter=1000),
        "rf": RandomForestClassifier(100, random_state=0, n_jobs=1),
    }.items():
        model.fit(frame, target)
        joblib.dump(clone(model).fit(data, target), folder / f"{name}.joblib")  # without names, as peers are asked
        with mlflow.start_run():
            mlflow.sklearn.log_model(
                model,
                name=name,
                registered_model_name=name,
                signature=infer_signature(frame, model.predict(frame)),
                input_example=frame.head(2),
                skops_trusted_types=["sklearn.tree._tree.Tree"],
            )
    split = {"columns": list(frame.columns), "data": frame.head(1).to_numpy().tolist()}
    (folder / "one.json").write_text(json.dumps({"dataframe_split": split}))
    (folder / "batch.json").write_text(json.dumps({"items": frame.head(1000).to_dict("records")}))
    many = pd.DataFrame(np.tile(data.astype(np.float64), (500, 1)), columns=frame.columns)  # a million rows
    many.to_parquet(folder / "million.parquet", row_group_size=100_000)
    pyarrow.csv.write_csv(pa.Table.from_pandas(many, preserve_index=False), folder / "million.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
