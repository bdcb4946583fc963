"""What a CSV body's header may cost, before pandas reads it."""

import pytest

from podium.runtime.faults import RequestFault
from podium.runtime.protocols.csv_tables import REPEATED, check_header, read_csv


def test_a_header_that_repeats_one_name_without_end_is_refused() -> None:
    """One of 1.3 MB kept the only prediction thread for more than a minute."""
    with pytest.raises(RequestFault, match="found 99999 that repeat another"):
        check_header(b"c," * 99_999 + b"c\n1")


@pytest.mark.parametrize("body", [b"", b"a,a\n1,2", b'"a\nb",c\n1,2', b"\xff,b", b"c," * REPEATED + b"c\n"])
def test_other_headers_are_left_to_mlflow(body: bytes) -> None:
    check_header(body)


def test_wide_tables_of_different_names_are_left_to_mlflow() -> None:
    check_header(b",".join(b"gene%d" % number for number in range(50_000)))


def test_a_cell_without_end_is_refused() -> None:
    with pytest.raises(RequestFault, match="a cell without end"):
        check_header(b"a" * 200_000)


def test_pandas_is_not_asked_where_the_header_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlflow.pyfunc.scoring_server.parse_csv_input", lambda *_: pytest.fail("pandas was asked"))
    with pytest.raises(RequestFault):
        read_csv(b"c," * 1000, None)  # type: ignore[arg-type]
