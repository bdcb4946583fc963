"""The short way of scikit-learn's checks answers and raises as the long one does."""

import itertools
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.utils import validation

from podium.runtime.prediction import input_checks

ROWS = np.random.default_rng(0).normal(size=(40, 3))
FITTED = LogisticRegression().fit(ROWS, ROWS[:, 0] > 0)
FULL = getattr(validation.validate_data, "__wrapped__", validation.validate_data)
SHORT = input_checks.shortened(FULL)

frozen = ROWS[:2].copy()
frozen.flags.writeable = False
MATRICES: dict[str, Any] = {
    "usual": ROWS[:2].copy(),
    "one row": ROWS[:1].copy(),
    "NaN": np.where(ROWS > 0, ROWS, np.nan),
    "infinite": np.where(ROWS > 0, ROWS, -np.inf),
    "a sum beyond every double": np.full((2, 3), 1.7e308),
    "too wide": ROWS[:, [0, 1, 2, 0]],
    "no rows": ROWS[:0],
    "one dimension": ROWS[0],
    "three dimensions": ROWS[None],
    "single precision": ROWS[:2].astype(np.float32),
    "big endian": ROWS[:2].astype(">f8"),
    "whole numbers": np.arange(6).reshape(2, 3),
    "by columns": np.asfortranarray(ROWS[:4]),
    "every other row": ROWS[::2],
    "not to be written": frozen,
    "large": np.tile(ROWS, (1000, 1)),
    "a list": ROWS[:2].tolist(),
    "a frame": pd.DataFrame(ROWS[:2]),
    "objects": ROWS[:2].astype(object),
    "texts": np.array([["a", "b", "c"]]),
}
CHECKS: list[dict[str, Any]] = [
    {},
    {"accept_sparse": "csr"},
    {"dtype": np.float32},
    {"dtype": [np.float64, np.float32], "order": "C"},
    {"dtype": [np.float32, np.float64]},
    {"dtype": None, "ensure_all_finite": "allow-nan"},
    {"dtype": (np.dtype(np.float64), np.float16)},
    {"dtype": np.dtype(np.float32)},
    {"order": "F"},
    {"copy": True, "force_writeable": True, "ensure_all_finite": False},
    {"ensure_min_samples": 2, "ensure_min_features": 4},
    {"skip_check_array": True},
    {"ensure_non_negative": True},
]


def outcome(check: Any, matrix: Any, checks: dict[str, Any]) -> tuple[Any, ...]:
    """What a check makes of a matrix: whether a copy, of which type and order, and its values; or what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = check(FITTED, matrix, reset=False, **checks)
        except Exception as error:  # noqa: BLE001  which one, is what is compared
            return type(error), str(error)
    if not isinstance(found, np.ndarray):
        return type(found), found is matrix
    flags = found.flags.c_contiguous, found.flags.f_contiguous, found.flags.writeable
    return found is matrix, found.dtype, found.shape, flags, found.tobytes()


@pytest.mark.parametrize(("name", "checks"), [*itertools.product(MATRICES, CHECKS)], ids=str)
def test_every_matrix_is_answered_as_by_the_full_check(name: str, checks: dict[str, Any]) -> None:
    assert outcome(SHORT, MATRICES[name], checks) == outcome(FULL, MATRICES[name], checks)


@pytest.mark.parametrize("arguments", [{"reset": True}, {}, {"y": None, "reset": False}, {"reset": False, "cast": 1}])
def test_what_fits_or_what_is_not_known_is_left_to_the_full_check(arguments: dict[str, Any]) -> None:
    asked = []
    check = input_checks.shortened(lambda *args, **checks: asked.append((args, checks)))
    check(FITTED, ROWS, **arguments)
    check(FITTED, X=ROWS, **arguments)
    assert asked == [((FITTED, ROWS), arguments), ((FITTED,), {"X": ROWS, **arguments})]


def test_a_usual_prediction_takes_the_short_way_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = make_pipeline(StandardScaler(), MinMaxScaler(), LogisticRegression()).fit(ROWS, ROWS[:, 0] > 0)
    expected = pipeline.predict_proba(ROWS)
    input_checks.shorten()
    for _ in range(2):  # a second time changes nothing
        input_checks.shorten()
    assert pipeline.predict_proba(ROWS).tobytes() == expected.tobytes()
    monkeypatch.setattr(validation, "check_array", None)  # what the full check would need
    assert pipeline.predict_proba(ROWS).tobytes() == expected.tobytes()
    with pytest.raises(TypeError):
        pipeline.predict_proba(ROWS.tolist())


def unfitted_again(estimator: Any) -> Any:
    for name in [name for name in vars(estimator) if name.endswith("_")]:
        delattr(estimator, name)
    return estimator


class Foreign(LogisticRegression):  # type: ignore[misc]  # scikit-learn is untyped here
    """No class of scikit-learn's own."""


FITTED_FULL = getattr(validation.check_is_fitted, "__wrapped__", validation.check_is_fitted)
LEARNERS: dict[str, Any] = {
    "fitted": FITTED,
    "one that asks others": make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, ROWS[:, 0] > 0),
    "never fitted": LogisticRegression(),
    "an empty pipeline of one": make_pipeline(StandardScaler()),
    "stateless": FunctionTransformer(),
    "a class": LogisticRegression,
    "no estimator": 1,
    "a foreign one": Foreign().fit(ROWS, ROWS[:, 0] > 0),
}


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
@pytest.mark.parametrize("how", [{}, {"attributes": "coef_"}, {"attributes": ["other_", "coef_"], "all_or_any": any}])
def test_what_is_fitted_is_told_as_by_the_full_check(learner: Any, how: dict[str, Any]) -> None:
    def told(check: Any) -> Any:
        try:
            return check(learner, **how)
        except Exception as error:  # noqa: BLE001  which one, is what is compared
            return type(error), str(error)

    short = input_checks.remembering(FITTED_FULL)
    assert [told(short), told(short)] == [told(FITTED_FULL)] * 2


def test_one_that_is_fitted_is_looked_at_once_and_again_where_it_has_forgotten() -> None:
    asked = []

    def full(estimator: Any, **how: Any) -> None:
        asked.append(how)
        FITTED_FULL(estimator, **how)

    check = input_checks.remembering(full)
    one, foreign = (kind().fit(ROWS, ROWS[:, 0] > 0) for kind in (LogisticRegression, Foreign))
    for _ in range(3):
        check(one)
    assert asked == [{}]
    check(one, msg="another")
    assert asked == [{}, {"msg": "another"}]
    check(foreign)
    check(foreign)
    assert len(asked) == 4
    unfitted_again(one)
    with pytest.raises(NotFittedError):
        check(one)


def test_without_scikit_learn_there_is_nothing_to_shorten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sklearn.utils.validation")
    input_checks.shorten()
