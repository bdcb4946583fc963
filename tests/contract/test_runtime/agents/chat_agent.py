"""A ChatAgent that repeats the last message."""

from collections.abc import Iterator
from typing import Any

import mlflow
from mlflow.pyfunc import ChatAgent
from mlflow.types.agent import ChatAgentChunk, ChatAgentMessage, ChatAgentResponse


class Echo(ChatAgent):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, messages: list[ChatAgentMessage], context: Any = None, custom_inputs: Any = None) -> Any:
        message = ChatAgentMessage(role="assistant", content=messages[-1].content, id="1")
        return ChatAgentResponse(messages=[message])

    def predict_stream(
        self, messages: list[ChatAgentMessage], context: Any = None, custom_inputs: Any = None
    ) -> Iterator[Any]:
        for word in messages[-1].content.split():
            yield ChatAgentChunk(delta=ChatAgentMessage(role="assistant", content=word, id="1"))


mlflow.models.set_model(Echo())
