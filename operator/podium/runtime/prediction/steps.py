"""What is known of the steps of a scikit-learn model: which are its own, and which answer row by row.

An estimator answers row by row where no row's answer depends on the other rows of the same call, nor on its place
among them. Nearly all of scikit-learn does; the exceptions are named here. A step of any other library is not known.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

_KNOWN_PACKAGES = frozenset({"sklearn", "xgboost", "lightgbm", "catboost"})
_NUMERIC_PACKAGES = frozenset({"numpy", "scipy"})
_ELEMENTWISE = (np.nan_to_num, np.round)  # functions of NumPy that are no ufuncs

# The first two iterate until all rows together have converged; the others answer a single row in another shape.
_NOT_ROW_WISE = frozenset({"NMF", "MiniBatchNMF", "SparsePCA", "MiniBatchSparsePCA"})

# Parts of scikit-learn that look at a frame's columns, or hand it to foreign code.
_WANT_FRAMES = frozenset({"ColumnTransformer", "FunctionTransformer"})


def all_row_wise(estimator: Any) -> bool:
    """Return whether every step of an estimator is known to answer row by row."""
    return all(map(_is_row_wise, _parts(estimator, set())))


def all_plain(estimator: Any) -> bool:
    """Return whether every step is scikit-learn's own, and takes a matrix as it takes a frame."""
    return all(map(_is_plain, _parts(estimator, set())))


def _is_plain(part: Any) -> bool:
    return _package(part) == "sklearn" and type(part).__name__ not in _WANT_FRAMES


def _is_row_wise(part: Any) -> bool:
    name = type(part).__name__
    if not _is_known(part) or name in _NOT_ROW_WISE:
        return False
    if name == "FunctionTransformer":
        return all(_is_elementwise(function) for function in (part.func, part.inverse_func))
    if name == "DummyClassifier":
        return part.strategy not in {"stratified", "uniform"}  # random, by a row's place
    if name == "IterativeImputer":
        return not part.sample_posterior
    if name == "RadiusNeighborsRegressor" and np.asarray(getattr(part, "_y", 0.0)).dtype.kind != "f":
        return False  # a row without neighbours is a whole number then, and a float among others
    # The last bits of distances that are computed by matrix products depend on the number of rows, and order ties.
    return getattr(part, "_fit_method", None) != "brute"


def _is_known(part: Any) -> bool:
    package = _package(part)
    return package in _KNOWN_PACKAGES or (package in _NUMERIC_PACKAGES and not _is_function(part))


def _is_elementwise(function: Any) -> bool:
    return function is None or isinstance(function, np.ufunc) or any(function is each for each in _ELEMENTWISE)


def _is_function(part: Any) -> bool:
    return not (_is_estimator(part) or isinstance(part, np.ufunc)) and hasattr(part, "__name__")


def _package(part: Any) -> str:
    """Return the package whose code runs: a function's own, and otherwise that of the part's type."""
    module = part.__module__ if _is_function(part) else type(part).__module__
    return str(module).partition(".")[0]


def _is_estimator(value: Any) -> bool:
    return any(hasattr(value, method) for method in ("get_params", "fit", "transform", "predict"))


def _parts(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield all estimators and functions in a value, itself first: its parameters, and what it has fitted."""
    if isinstance(value, (type, str, bytes, int, float, np.generic)) or value is None or id(value) in seen:
        return
    seen.add(id(value))
    if _is_estimator(value) or callable(value):
        yield value
    for inner in _contents(value):
        yield from _parts(inner, seen)


def _contents(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, np.ndarray):
        return value.ravel().tolist() if value.dtype == object else ()
    if isinstance(value, (list, tuple, set, frozenset)):
        return value
    return vars(value).values() if _is_estimator(value) and hasattr(value, "__dict__") else ()
