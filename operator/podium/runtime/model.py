"""A loaded MLflow model, with the model's faults kept apart from the request's.

MLflow's `PyFuncModel.predict` first enforces the signature and then calls the model, and lets both fail with the same
exceptions. The model's own function is wrapped here, so that what it raises is known to be its own.
"""

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.types import Schema

from podium.runtime.faults import Fault, ModelFault, RequestFault
from podium.runtime.signature import explain

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Query:
    """What a request asks of the model, whatever protocol it came by."""

    data: Any
    params: dict[str, Any] | None = None
    unwrapped: bool = False  # the answer is to be the bare prediction, as MLflow does for chat-like bodies


class Model:
    """MLflow's model: data in, raw predictions out, or a Fault."""

    def __init__(self, pyfunc: Any) -> None:
        self._pyfunc = pyfunc
        pyfunc._predict_fn = _own_faults(pyfunc._predict_fn)  # noqa: SLF001  MLflow has no other place to stand
        self.metadata = pyfunc.metadata
        self.inputs: Schema | None = pyfunc.metadata.get_input_schema()
        self.outputs: Schema | None = pyfunc.metadata.get_output_schema()

    @classmethod
    def load(cls, directory: Path) -> "Model":
        return cls(mlflow.pyfunc.load_model(str(directory), suppress_warnings=True))

    def predict(self, query: Query) -> Any:
        """Return what the model says.

        Raises RequestFault: the data does not fit the signature. Raises ModelFault: the model raised.
        """
        try:
            return self._pyfunc.predict(query.data, params=query.params)
        except Fault:
            raise
        except Exception as error:
            log.info("request does not fit the signature: %s", type(error).__name__)
            raise RequestFault(explain(query.data, self.inputs, error)) from error


def _own_faults(predict: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(predict)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return predict(*args, **kwargs)
        except Exception as error:
            log.exception("the model raised")
            raise ModelFault(f"the model raised {type(error).__name__}") from error

    return guarded
