"""Scikit-learn's checks of its input, made short where they would find nothing.

`sklearn.utils.validation.validate_data` takes 61 of the 105 µs of a logistic regression's `predict` for one row, most
of them to find out that a float64 matrix is no frame, no sparse matrix and no list. Such a matrix, of the right width
and finite, it returns as it is. It is asked about everything else, and raises what it always raised.

`check_is_fitted` takes 4 µs of what is left, in each step of a pipeline: one of scikit-learn's own estimators that has
passed it and still has what it learned passes it again.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import numpy as np

LARGEST = 65536  # cells: from here on the check is a small part of a prediction
_DOUBLE = np.dtype(np.float64)

Accepts = Callable[[Any, "np.ndarray[Any, Any]"], bool]


def _doubles(accepted: Any, _: Any) -> bool:
    if isinstance(accepted, (list, tuple)):
        return any(_doubles(each, _) for each in accepted)
    if isinstance(accepted, np.dtype):
        return accepted == _DOUBLE
    return accepted is None or accepted is np.float64 or (isinstance(accepted, str) and accepted == "numeric")


# Parameters of the check, and whether a finite matrix of doubles in C order passes it with its values unchanged
_PASSED: dict[str, Accepts] = {
    "accept_sparse": lambda *_: True,
    "accept_large_sparse": lambda *_: True,
    "allow_nd": lambda *_: True,
    "dtype": _doubles,
    "order": lambda order, _: order in {None, "C"},
    "copy": lambda copy, _: type(copy) is bool,
    "ensure_2d": lambda *_: True,
    "ensure_all_finite": lambda *_: True,
    "ensure_min_samples": lambda least, matrix: least <= matrix.shape[0],
    "ensure_min_features": lambda least, matrix: least <= matrix.shape[1],
    "estimator": lambda *_: True,
    "force_writeable": lambda needed, matrix: not needed or matrix.flags.writeable,
    "reset": lambda reset, _: reset is False,
}


def passes(estimator: Any, matrix: Any, checks: dict[str, Any]) -> bool:
    """Return whether scikit-learn's check would return this matrix as it is, or a copy."""
    return (
        type(matrix) is np.ndarray
        and matrix.dtype == _DOUBLE
        and matrix.ndim == 2  # noqa: PLR2004  a matrix
        and 0 < matrix.size <= LARGEST
        and matrix.flags.c_contiguous
        and matrix.shape[1] == getattr(estimator, "n_features_in_", None)
        and "reset" in checks  # which is True where it is not given
        and all(name in _PASSED and _PASSED[name](value, matrix) for name, value in checks.items())
        and bool(np.isfinite(matrix).all())
    )


def shortened(check: Callable[..., Any]) -> Callable[..., Any]:
    """Return scikit-learn's check with the short way before it."""

    @functools.wraps(check)
    def validate_data(_estimator: Any, /, *args: Any, **checks: Any) -> Any:
        given = dict(checks)
        matrix = args[0] if len(args) == 1 else given.pop("X", None)
        if len(args) <= 1 and passes(_estimator, matrix, given):
            return matrix.copy() if given.get("copy") else matrix
        return check(_estimator, *args, **checks)

    return validate_data


def remembering(check: Callable[..., None]) -> Callable[..., None]:
    """Return scikit-learn's `check_is_fitted`, which does not look again at what has passed it."""
    fitted: WeakSet[Any] = WeakSet()

    @functools.wraps(check)
    def check_is_fitted(estimator: Any, *args: Any, **how: Any) -> None:
        own = not args and not how and type(estimator).__module__.startswith("sklearn.")
        if own and "n_features_in_" in vars(estimator) and estimator in fitted:
            return
        check(estimator, *args, **how)
        if own:
            fitted.add(estimator)

    return check_is_fitted


def shorten() -> None:
    """Put the short ways into every module of scikit-learn that is imported. Releases before 1.6 stay as they are."""
    module = sys.modules.get("sklearn.utils.validation")
    check = getattr(module, "validate_data", None)
    if module is None or check is None or hasattr(check, "__wrapped__"):
        return  # there is none, or the short way is there
    replace_in_scikit_learn(check, shortened(check))
    replace_in_scikit_learn(module.check_is_fitted, remembering(module.check_is_fitted))


def replace_in_scikit_learn(function: Callable[..., Any], by: Callable[..., Any]) -> None:
    """Put one function in the place of another in every module of scikit-learn that is imported and has it."""
    for module_name, module in list(sys.modules.items()):
        if not module_name.startswith("sklearn."):
            continue
        if getattr(module, "__dict__", {}).get(function.__name__) is function:
            setattr(module, function.__name__, by)
