"""A request answered, start to end: body, Query, predictions, check, body. Runs in the prediction thread."""

import mlflow

from podium.runtime.answers import check_numbers
from podium.runtime.model import Model
from podium.runtime.protocols import invocations


class Scorer:
    """Answers whole requests with one model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.mlflow_version: str = mlflow.__version__

    def invocations(self, body: bytes, content_type: str) -> bytes:
        """Answer `POST /invocations`.

        Raises Fault: of the request or of the model.
        """
        query = invocations.read(body, content_type, self.model)
        raw = self.model.predict(query)
        check_numbers(raw, self.model.outputs)
        return invocations.write(raw, query)
