"""Ray Serve. Environment: MODEL, PORT."""

import os
import threading

import joblib
import ray
from ray import serve
from starlette.requests import Request


@serve.deployment  # type: ignore[untyped-decorator, unused-ignore]  # its environment is not ours
class Predictor:
    """One prediction a request."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    async def __call__(self, request: Request) -> dict[str, list[int]]:
        return {"predictions": self.model.predict((await request.json())["rows"]).tolist()}


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])})
    serve.run(Predictor.bind(), route_prefix="/predict")  # type: ignore[attr-defined]  # the decorator adds it
    threading.Event().wait()
