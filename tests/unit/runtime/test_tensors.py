"""Tensors of a body that no array can hold are the client's fault."""

import pytest

from podium.runtime.faults import RequestFault
from podium.runtime.protocols.tensors import read_tensor


@pytest.mark.parametrize("shape", [[2**62, 0], [0, 2**40, 2**40], [2**41]])
def test_a_shape_that_no_array_has_is_refused(shape: list[int]) -> None:
    """Beside a size of 0 it was an internal error, which is counted nowhere."""
    with pytest.raises(RequestFault, match="shape: expected at most"):
        read_tensor({"name": "x", "datatype": "FP64", "shape": shape, "data": []}, 0)


@pytest.mark.parametrize("cells", [["a\0"], ["a", "\0"], ["a\0", None], ["a\0b", ""], ["a", "b"], []])
def test_texts_keep_the_zeros_at_their_end(cells: list[str | None]) -> None:
    """NumPy's own kind of text pads with zeros, so that it cannot tell them from those of the text."""
    tensor = {"name": "x", "datatype": "BYTES", "shape": [len(cells)], "data": cells}
    assert read_tensor(tensor, 0).array().tolist() == cells


def test_texts_are_numpys_own_where_that_loses_nothing() -> None:
    tensor = {"name": "x", "datatype": "BYTES", "shape": [2], "data": ["a", "b\0c"]}
    assert read_tensor(tensor, 0).array().dtype.kind == "U"
