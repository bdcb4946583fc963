"""Tensors of a body that no array can hold are the client's fault."""

import pytest

from podium.runtime.faults import RequestFault
from podium.runtime.protocols.tensors import read_tensor


@pytest.mark.parametrize("shape", [[2**62, 0], [0, 2**40, 2**40], [2**41]])
def test_a_shape_that_no_array_has_is_refused(shape: list[int]) -> None:
    """Beside a size of 0 it was an internal error, which is counted nowhere."""
    with pytest.raises(RequestFault, match="shape: expected at most"):
        read_tensor({"name": "x", "datatype": "FP64", "shape": shape, "data": []}, 0)
