"""What `make bench-serving` makes of its measurements."""

from typing import Any

import pytest

from bench.serving import load
from bench.serving.__main__ import beside
from bench.serving.figures import ratios

RATES = {"slow": {1: 100.0, 16: 900.0}, "fast": {1: 200.0, 16: 400.0}}
REACHED: dict[str, Any] = {
    "peers": {"lr": {"c1": 2.0, "c16": 5.0, "c64": 8.0}},
    "limit_share": 0.5,
    "overload_share": 0.8,
    "grpc_share": 1.0,
    "added_ms": {"median": 0.25, "p99": 1.0},
    "start_s": 1.5,
}


def test_a_ratio_is_to_the_best_peer_at_that_number_of_connections() -> None:
    found = ratios(RATES, {1: 500.0, 16: 1800.0})
    assert (found["c1"], found["best_c1"], found["c16"], found["best_c16"]) == (2.5, "fast", 2.0, "slow")


def test_without_any_peer_there_is_no_ratio() -> None:
    assert ratios({}, {1: 500.0})["c1"] is None


def test_what_is_wanted_is_reached_at_its_limit_and_not_beyond() -> None:
    assert all(reached for *_, reached in beside(REACHED))
    worse = {**REACHED, "overload_share": 0.79, "added_ms": {"median": 0.26, "p99": 1.1}, "grpc_share": None}
    missed = [what for what, *_, reached in beside(worse) if not reached]
    assert missed == ["overload_share", "grpc_share", "added to predict, median ms", "added to predict, p99 ms"]


@pytest.mark.parametrize(("rate", "failed", "found"), [("1234.50", 0, 1234.5), ("1234.50", 3, None), ("0.00", 0, None)])
def test_answers_of_h2load_count_only_where_there_are_some_and_none_failed(
    rate: str, failed: int, found: float | None
) -> None:
    text = (
        f"finished in 2.00s, {rate} req/s, 1.0MB/s\n"
        f"requests: 2469 total, 2469 started, 2469 done, 2469 succeeded, {failed} failed, 0 errored, 0 timeout\n"
    )
    assert load.answers_per_second(text) == found
