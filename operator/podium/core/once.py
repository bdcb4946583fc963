"""Answers that are worked out once: a reconcile puts the same question at many places."""

from collections.abc import Callable
from typing import Any, TypeVar

Value = TypeVar("Value")
Answer = TypeVar("Answer")


class Once:
    """The newest answer to each question, kept for as long as the question is about an equal value."""

    def __init__(self) -> None:
        self._known: dict[Callable[..., Any], tuple[object, Any]] = {}

    def __call__(self, question: Callable[[Value], Answer], value: Value) -> Answer:
        """The answer of a pure function about this value. Raises what the function raises, every time."""
        known = self._known.get(question)
        if known is None or (known[0] is not value and known[0] != value):
            known = self._known[question] = (value, question(value))
        answer: Answer = known[1]
        return answer
