"""BentoML. Environment: MODEL, a joblib file."""

import os

import bentoml
import joblib


@bentoml.service(workers=1)  # type: ignore[untyped-decorator, unused-ignore]  # its environment is not ours
class Predictor:
    """One prediction a request."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    @bentoml.api  # type: ignore[untyped-decorator, unused-ignore]
    def predict(self, rows: list[list[float]]) -> list[int]:
        """Predict rows."""
        return [int(each) for each in self.model.predict(rows)]
