"""A ChatModel that repeats the last message."""

from collections.abc import Iterator
from typing import Any

import mlflow
from mlflow.pyfunc import ChatModel
from mlflow.types.llm import (
    ChatChoice,
    ChatChoiceDelta,
    ChatChunkChoice,
    ChatCompletionChunk,
    ChatCompletionResponse,
    ChatMessage,
    ChatParams,
)


class Echo(ChatModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, context: Any, messages: list[ChatMessage], params: ChatParams) -> ChatCompletionResponse:
        choice = ChatChoice(index=0, message=ChatMessage(role="assistant", content=messages[-1].content))
        return ChatCompletionResponse(choices=[choice], model="echo", created=1)

    def predict_stream(
        self, context: Any, messages: list[ChatMessage], params: ChatParams
    ) -> Iterator[ChatCompletionChunk]:
        for word in str(messages[-1].content).split():
            delta = ChatChoiceDelta(role="assistant", content=word)
            yield ChatCompletionChunk(choices=[ChatChunkChoice(index=0, delta=delta)], model="echo", created=1)


mlflow.models.set_model(Echo())
