"""A ResponsesAgent that repeats the last input, in one piece or word by word."""

from collections.abc import Iterator
from typing import Any

import mlflow
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse, ResponsesAgentStreamEvent


class Echo(ResponsesAgent):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:
        return ResponsesAgentResponse(output=[self.create_text_output_item(text=self._said(request), id="1")])

    def predict_stream(self, request: ResponsesAgentRequest) -> Iterator[ResponsesAgentStreamEvent]:
        for word in self._said(request).split():
            if word == "raise":
                raise RuntimeError("in the middle")
            yield ResponsesAgentStreamEvent(**self.create_text_delta(delta=word, item_id="1"))

    def _said(self, request: ResponsesAgentRequest) -> Any:
        return request.input[-1].model_dump()["content"]


mlflow.models.set_model(Echo())
