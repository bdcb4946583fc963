"""LitServe, with its own way of joining requests. Environment: MODEL, PORT."""

import os
from typing import Any

import joblib
import litserve
import numpy as np


class Predictor(litserve.LitAPI):  # type: ignore[misc]  # its environment is not ours
    """One prediction a request; those that wait are joined."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        self.model = joblib.load(os.environ["MODEL"])

    def decode_request(self, request: dict[str, Any]) -> Any:
        return request["rows"][0]

    def batch(self, inputs: list[Any]) -> Any:
        return np.array(inputs)

    def predict(self, x: Any) -> Any:
        return self.model.predict(x)

    def unbatch(self, output: Any) -> Any:
        return list(output)

    def encode_response(self, output: Any) -> dict[str, Any]:
        return {"predictions": [int(output)]}


if __name__ == "__main__":
    api = Predictor(max_batch_size=64, batch_timeout=0.001)
    server = litserve.LitServer(api, accelerator="cpu")
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="error")
