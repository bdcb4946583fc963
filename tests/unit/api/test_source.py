"""Where a version comes from: one registry, however its address is written."""

import pytest

from podium.api.v1alpha1.source import Source, address

PLAIN = "http://mlflow.ml:5000"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (PLAIN, PLAIN),
        (f"{PLAIN}/", PLAIN),
        (f"{PLAIN}//", PLAIN),
        ("HTTP://MLflow.ML:5000", PLAIN),
        ("http://mlflow.ml:80/", "http://mlflow.ml"),
        ("https://mlflow.ml:443", "https://mlflow.ml"),
        ("https://mlflow.ml:80", "https://mlflow.ml:80"),
        ("https://mlflow.ml/Team/", "https://mlflow.ml/Team"),
        ("https://User:Pass@MLflow.ml/", "https://User:Pass@mlflow.ml"),
        ("http://[FE80::1]:5000/", "http://[fe80::1]:5000"),
        ("sqlite:////tmp/Store.db", "sqlite:////tmp/Store.db"),
        ("databricks", "databricks"),
        ("http://mlflow.ml:port/", "http://mlflow.ml:port"),
        ("http://[::1/", "http://[::1"),
        ("databricks://profile/", "databricks://profile"),
        ("", ""),
    ],
)
def test_what_says_nothing_of_an_address_is_left_out(written: str, expected: str) -> None:
    assert address(written) == expected
    assert address(expected) == expected


def test_a_source_matches_by_address_and_model() -> None:
    source = Source(registry=f"{PLAIN}/", model="churn")
    assert source.matches(PLAIN, "churn")
    assert not source.matches(PLAIN, "fraud")
    assert not source.matches("http://other.ml:5000", "churn")
    assert source.of_model("churn")
    assert not source.of_model("fraud")
