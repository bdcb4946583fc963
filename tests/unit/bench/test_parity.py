"""What `make bench-parity` takes for the same answer, and which differences it explains."""

from typing import Any

import pytest

from bench.parity.compare import different
from bench.parity.inputs import Asked

ASKED = Asked("split", b"{}")
ITEMS = Asked("items", b"{}", door="/api/v1/batch")
TENSORS = Asked("tensors", b"{}", door="/v2/models/{name}/infer")


def outputs(**data: list[Any]) -> dict[str, Any]:
    return {"outputs": [{"name": name, "data": cells} for name, cells in data.items()]}


@pytest.mark.parametrize(
    ("asked", "mlflow", "podium"),
    [
        (ASKED, {"predictions": [1.5, float("nan")]}, {"predictions": [1.5, None]}),
        (ITEMS, {"predictions": {"u": [1, 2], "v": [3, 4]}}, {"predictions": [{"u": 1, "v": 3}, {"u": 2, "v": 4}]}),
        (TENSORS, {"predictions": [{"u": 1, "v": 3}, {"u": 2, "v": 4}]}, outputs(u=[1, 2], v=[3, 4])),
        (TENSORS, {"predictions": [[1.0, 2.0], [3.0, 4.0]]}, outputs(y=[1.0, 2.0, 3.0, 4.0])),
        (TENSORS, {"predictions": [{"a": [1]}]}, outputs(y=['{"a":[1]}'])),
    ],
)
def test_one_answer_in_the_form_of_each_door_is_the_same(asked: Asked, mlflow: Any, podium: Any) -> None:
    assert different("m", asked, (200, mlflow), (200, podium)) is None


@pytest.mark.parametrize(
    ("asked", "mlflow", "podium"),
    [
        (ASKED, {"predictions": [1.5]}, {"predictions": [1.6]}),
        (ASKED, {"predictions": [1.5]}, {"predictions": [1.5, 1.5]}),
        (ITEMS, {"predictions": [1, 2]}, {"predictions": [2, 1]}),
        (TENSORS, {"predictions": [[1.0, 2.0]]}, outputs(y=[2.0, 1.0])),
    ],
)
def test_another_answer_is_different_and_not_explained(asked: Asked, mlflow: Any, podium: Any) -> None:
    found = different("m", asked, (200, mlflow), (200, podium))
    assert found is not None
    assert found.explained is None


def test_a_refusal_where_mlflow_answers_is_different() -> None:
    found = different("m", ASKED, (200, {"predictions": [1]}), (400, "no"))
    assert found is not None
    assert found.explained is None


def test_a_model_that_raises_is_a_5xx_here_and_a_400_there_for_a_reason() -> None:
    found = different("m", ASKED, (400, "no"), (500, "the model raised ValueError"))
    assert found is not None
    assert found.explained is not None
