"""What is known of MLflow's flavours: which predict row by row, and which need no frame around their rows."""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

log = logging.getLogger(__name__)

Predict = Callable[[Any], Any]

# Flavours whose predict answers row by row: what is asked for one row does not change the answer for another.
_ROW_WISE = frozenset({"mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost"})
_NOT_ROW_WISE = frozenset({"score"})  # scikit-learn's figure of merit over all rows, which MLflow can serve as predict

# Flavours to which MLflow hands the enforced frame unchanged.
PLANNED = _ROW_WISE | {"mlflow.pyfunc.model"}

# Parts of scikit-learn that look at a frame's columns, or hand it to foreign code.
_WANT_FRAMES = frozenset({"ColumnTransformer", "FunctionTransformer"})


def is_row_wise(pyfunc: Any) -> bool:
    """Return whether requests can be joined."""
    predict = str(pyfunc.metadata.flavors["python_function"].get("predict_fn", "predict"))
    return pyfunc.loader_module in _ROW_WISE and predict not in _NOT_ROW_WISE


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
    return fitted is not None and tuple(fitted) == names and all(map(_is_plain, _parts(estimator)))


def _is_plain(part: Any) -> bool:
    kind = type(part)
    return kind.__module__.startswith("sklearn.") and kind.__name__ not in _WANT_FRAMES


def _parts(value: Any) -> Iterator[Any]:
    """Yield all estimators in an estimator, itself first."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        yield value
        for part in value.get_params(deep=False).values():
            yield from _parts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _parts(part)
    elif callable(value) and not isinstance(value, type):
        yield value  # a function among the parameters: foreign code, which may want a frame
