"""What is known of MLflow's flavours: which predict row by row, and which need no frame around their rows."""

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any

from podium.runtime.prediction.steps import all_plain, all_row_wise

log = logging.getLogger(__name__)

Predict = Callable[[Any], Any]

# Flavours whose predict answers row by row, if the steps of the model do: what is asked for one row does not change
# the answer for another.
_ROW_WISE = frozenset({"mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost"})
_NOT_ROW_WISE = frozenset({"score"})  # scikit-learn's figure of merit over all rows, which MLflow can serve as predict

# A PythonModel that was logged as an object, and one that was logged as code (`python_model="model.py"`).
_PYTHON_MODELS = frozenset({"mlflow.pyfunc.model", "mlflow.pyfunc.loaders.code_model"})

# Flavours to which MLflow hands the enforced frame unchanged. Agents get it as messages, and have no plan.
PLANNED = _ROW_WISE | _PYTHON_MODELS

_AGENTS = frozenset(f"mlflow.pyfunc.loaders.{name}" for name in ("chat_model", "chat_agent", "responses_agent"))
_REMOTE = frozenset(
    f"mlflow.{name}" for name in ("langchain", "openai", "llama_index", "dspy", "agno", "prompt.promptlab_model")
)

# Flavours whose predictions may wait for something else, a remote model or a feature store. MLflow's server predicts in
# several threads, too, so that such a model is used to it.
_MAY_WAIT = _PYTHON_MODELS | _AGENTS | _REMOTE
_THREADS = 8


def threads_for(pyfunc: Any) -> int:
    """Return how many predictions of a model may run side by side unless a setting says otherwise."""
    return _THREADS if pyfunc.loader_module in _MAY_WAIT else 1


def is_row_wise(pyfunc: Any) -> bool:
    """Return whether a model is known to answer each row as if it were alone."""
    predict = str(pyfunc.metadata.flavors["python_function"].get("predict_fn", "predict"))
    return pyfunc.loader_module in _ROW_WISE and predict not in _NOT_ROW_WISE and all_row_wise(pyfunc.get_raw_model())


def direct_call(pyfunc: Any) -> Predict:
    """Return the model's own function, called as `PyFuncModel._predict` calls it after the signature is enforced."""
    predict = pyfunc._predict_fn  # noqa: SLF001
    params = inspect.signature(predict).parameters.get("params")
    if params is not None and params.kind is not inspect.Parameter.VAR_KEYWORD:
        return functools.partial(predict, params=None)
    return predict  # type: ignore[no-any-return]


def takes_matrix(pyfunc: Any, names: tuple[str, ...] | None) -> bool:
    """Return whether a bare matrix says to this model all that a frame would.

    So it is with scikit-learn's own estimators that were fitted on exactly the signature's columns in its order: they
    compare the names and turn the frame into this very matrix, which costs them 0.4 ms of the 0.5 that one row takes
    a logistic regression.
    """
    if pyfunc.loader_module != "mlflow.sklearn" or names is None:
        return False
    estimator = pyfunc.get_raw_model()
    fitted = getattr(estimator, "feature_names_in_", None)
    return fitted is not None and tuple(fitted) == names and all_plain(estimator)
