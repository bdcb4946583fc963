"""The short way of scikit-learn's question whose library an array is answers and raises as the long one does."""

import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import _array_api

from podium.runtime.prediction import array_namespaces

ROWS = np.random.default_rng(0).normal(size=(40, 3))
LONG: tuple[Any, Any] = tuple(
    getattr(function, "__wrapped__", function) for function in (_array_api.get_namespace_and_device, _array_api.move_to)
)
ARRAYS: dict[str, tuple[Any, ...]] = {
    "usual": (ROWS,),
    "one cell": (np.float64(1.0),),
    "no dimension": (np.array(1),),
    "texts": (np.array(["a", "b"]),),
    "objects": (np.array(["a", None], dtype=object),),
    "masked": (np.ma.masked_array([1.0, 2.0], [True, False]),),
    "a subclass of NumPy's": (ROWS.view(np.recarray),),
    "sparse": (sparse.csr_matrix(ROWS),),
    "a frame": (pd.DataFrame(ROWS),),
    "a list": ([1.0, 2.0],),
    "nothing": (None,),
    "none": (),
    "two": (ROWS, ROWS[:2]),
    "two, one of them sparse": (ROWS, sparse.csr_matrix(ROWS)),
    "two, one of them nothing": (ROWS, None),
}


def outcome(move: Any, *arrays: Any, **where: Any) -> tuple[Any, ...]:
    """What comes of moving arrays: of which type, how written, and whether the one array itself; or which error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = move(*arrays, **where)
        except Exception as error:  # noqa: BLE001  which one, is what is compared
            return type(error), str(error)
    return type(found), str(found), len(arrays) == 1 and found is arrays[0]


@pytest.fixture
def short() -> tuple[Any, Any]:
    found = array_namespaces.shortened(*LONG, sklearn.get_config)
    found[0](ROWS)
    return found


@pytest.mark.parametrize("arrays", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("how", [{}, {"remove_none": False}, {"remove_types": []}, {"xp": np}], ids=str)
def test_whose_an_array_is_is_told_as_by_the_long_way(
    short: tuple[Any, Any], arrays: tuple[Any, ...], how: dict[str, Any]
) -> None:
    assert short[0](*arrays, **how) == LONG[0](*arrays, **how)


@pytest.mark.parametrize("arrays", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("device", [None, "cpu", "xpu"])
@pytest.mark.parametrize("same", [True, False])
def test_what_is_moved_is_moved_as_by_the_long_way(
    short: tuple[Any, Any], arrays: tuple[Any, ...], device: Any, same: bool
) -> None:
    namespace = LONG[0](ROWS)[0] if same else np
    found, expected = (outcome(move, *arrays, xp=namespace, device=device) for move in (short[1], LONG[1]))
    assert found == expected


def test_while_other_libraries_are_dispatched_to_each_array_is_asked_about() -> None:
    asked: list[Any] = []
    dispatch = {"array_api_dispatch": False}

    def ask(*arrays: Any) -> tuple[Any, bool, Any]:
        asked.append(arrays)
        return "namespace", dispatch["array_api_dispatch"], None

    def move(*arrays: Any, xp: Any, device: Any) -> Any:
        asked.append((arrays, xp, device))

    short_ask, short_move = array_namespaces.shortened(ask, move, lambda: dispatch)
    short_move(ROWS, xp="namespace", device=None)  # before the answer is known
    assert [short_ask(ROWS), short_ask(ROWS[:1])] == [("namespace", False, None)] * 2
    assert short_move(ROWS, xp="namespace", device=None) is ROWS
    assert len(asked) == 2
    dispatch["array_api_dispatch"] = True
    assert short_ask(ROWS) == ("namespace", True, None)
    short_move(ROWS, xp="namespace", device=None)
    assert len(asked) == 4


def test_a_usual_prediction_takes_the_short_way_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = np.where(ROWS[:, 0] > 0, "yes", "no")
    models = [
        make_pipeline(StandardScaler(), MinMaxScaler(), LogisticRegression()).fit(ROWS, classes),
        LogisticRegression().fit(ROWS, np.arange(40) % 3),
        Ridge().fit(ROWS, ROWS),
    ]
    expected = [model.predict(ROWS).tobytes() for model in models]
    for _ in range(2):  # a second time changes nothing
        array_namespaces.shorten()
    assert [model.predict(ROWS).tobytes() for model in models] == expected
    monkeypatch.setattr(_array_api, "_remove_non_arrays", None)  # what the long way would need
    assert models[1].predict(ROWS).tobytes() == expected[1]
    with pytest.raises(TypeError):
        models[1].predict(ROWS.tolist())


def test_without_scikit_learn_there_is_nothing_to_shorten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sklearn.utils._array_api")
    array_namespaces.shorten()
