"""A loaded MLflow model, with the model's faults kept apart from the request's.

MLflow's `PyFuncModel.predict` first enforces the signature and then calls the model, and lets both fail with the same
exceptions. The model's own function is wrapped here, so that what it raises is known to be its own.
"""

import functools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.exceptions import MlflowException
from mlflow.types import Schema

from podium.runtime.faults import Fault, ModelFault, RequestFault
from podium.runtime.prediction.blame import refused_by_mlflow
from podium.runtime.prediction.flavours import PLANNED, direct_call, is_row_wise, takes_matrix, threads_for
from podium.runtime.prediction.plan import MatrixPlan, Plan, Rows, compile_plan
from podium.runtime.prediction.processes import Processes
from podium.runtime.prediction.rows import unmasked
from podium.runtime.prediction.signature import explain
from podium.runtime.settings import ExtraColumns

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Query:
    """What a request asks of the model, whatever protocol it came by."""

    data: Any
    params: dict[str, Any] | None = None
    unwrapped: bool = False  # the answer is to be the bare prediction, as MLflow does for chat-like bodies

    @property
    def table(self) -> Any:
        """The data as rows or columns: a chat-like body is one row, whose messages are one cell."""
        return [self.data] if self.unwrapped else self.data


class Model:
    """MLflow's model: data in, raw predictions out, or a Fault."""

    def __init__(self, pyfunc: Any, extra_columns: ExtraColumns = ExtraColumns.REFUSE) -> None:
        self._pyfunc = pyfunc
        pyfunc._predict_fn = _own_faults(pyfunc._predict_fn)  # noqa: SLF001  MLflow has no other place to stand
        self.streams = _streams(pyfunc)
        if self.streams:
            pyfunc._predict_stream_fn = _own_faults_in_mid_stream(pyfunc._predict_stream_fn)  # noqa: SLF001
        self._direct = direct_call(pyfunc)
        self.processes: Processes | None = None  # that are asked in its place
        self.metadata = pyfunc.metadata
        self.extra_columns = extra_columns
        self.inputs: Schema | None = pyfunc.metadata.get_input_schema()
        self.outputs: Schema | None = pyfunc.metadata.get_output_schema()
        names = self.inputs.input_names() if self.inputs is not None and self.inputs.has_input_names() else []
        # Columns that are named by numbers, by the text that JSON has for them
        self.numbered_columns = {str(name): name for name in names if not isinstance(name, str)}
        self.row_wise = is_row_wise(pyfunc)
        self.plan = self._plan()
        self.threads = threads_for(pyfunc)
        self.by_output = pyfunc.loader_module == "mlflow.sklearn"  # a list holds one table an output, if tables at all

    @classmethod
    def load(cls, directory: Path, extra_columns: ExtraColumns = ExtraColumns.REFUSE) -> "Model":
        """Load the model in this folder. Raises what MLflow and the model raise."""
        return cls(mlflow.pyfunc.load_model(str(directory), suppress_warnings=True), extra_columns)

    @property
    def platform(self) -> str:
        """The flavour, as the Open Inference Protocol names platforms."""
        return str(self._pyfunc.loader_module).removeprefix("mlflow.").replace(".", "_")

    def _plan(self) -> Plan | None:
        """Plan where MLflow itself would hand the enforced frame to the model unchanged, and nowhere else."""
        metadata = self.metadata
        if self._pyfunc.loader_module not in PLANNED or metadata.get_params_schema() is not None:
            return None
        if metadata._is_signature_from_type_hint() or metadata._is_type_hint_from_example():  # noqa: SLF001
            return None
        plan = compile_plan(self.inputs)
        if isinstance(plan, MatrixPlan) and takes_matrix(self._pyfunc, plan.names):
            plan.framed = False
        if plan is not None:
            plan.indexed = not self.row_wise
        return plan

    def predict_rows(self, rows: Rows) -> Any:
        """Return what the model says of rows that its plan has read.

        Raises ModelFault: the model raised.
        """
        assert self.plan is not None
        if self.processes is not None:
            return self.processes.predict_rows(rows)
        return self._direct(self.plan.build(rows))

    def predict(self, query: Query) -> Any:
        """Return what the model says.

        Raises RequestFault: the data does not fit the signature. Raises ModelFault: the model raised.
        """
        if self.processes is not None:
            return self.processes.predict(query)
        try:
            return self._pyfunc.predict(query.data, params=query.params)
        except Fault:
            raise
        except Exception as error:
            log.info("request does not fit the signature: %s", type(error).__name__)
            raise RequestFault(explain(query.table, self.inputs, error)) from error

    def predict_stream(self, query: Query) -> Iterator[Any]:
        """Yield what the model says bit by bit. Raises as `predict`, at any bit."""
        if self.processes is not None:
            yield from self.processes.predict_stream(query)
            return
        try:
            yield from self._pyfunc.predict_stream(query.data, params=query.params)
        except Fault:
            raise
        except Exception as error:
            raise RequestFault(explain(query.table, self.inputs, error)) from error


def length(raw: Any) -> int | None:
    """Return how many answers there are, or None where the model's answer has no rows."""
    shape = getattr(raw, "shape", None)
    if shape is not None:
        return shape[0] if shape else None
    return len(raw) if isinstance(raw, list) else None


def _streams(pyfunc: Any) -> bool:
    """Whether it has a predict_stream of its own; MLflow gives every Python model one that only raises."""
    if getattr(pyfunc, "_predict_stream_fn", None) is None:
        return False
    try:
        own = type(pyfunc.unwrap_python_model()).predict_stream
    except (MlflowException, AttributeError):  # no Python model: a flavour that streams
        return True
    return not str(own.__module__).startswith("mlflow.")


def _own_faults_in_mid_stream(predict: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    @functools.wraps(predict)
    def guarded(*args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            yield from predict(*args, **kwargs)
        except Exception as error:
            raise _whose(error) from error

    return guarded


def _whose(error: Exception) -> Fault:
    if refused_by_mlflow(error.__traceback__):
        return RequestFault("the request does not fit the model's type hints")
    log.error("the model raised", exc_info=error)
    return ModelFault(f"the model raised {type(error).__name__}")


def _own_faults(predict: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(predict)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return unmasked(predict(*args, **kwargs))
        except Exception as error:
            raise _whose(error) from error

    return guarded
