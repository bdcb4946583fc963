"""The header that tells a champion's pod what to copy: what is not the operator's own writing is not believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.adapters.kubernetes import names
from podium.adapters.metrics.shadow import order_text
from podium.core.identity import Identity
from podium.core.shadow import ShadowOrder
from podium.runtime import shadow
from podium.runtime.shadow import ORDER, Order, Orders, order_of

GOOD = b"version=8;digest=sha256%3A88;share=0.2;tolerance=0.001"
READ = Order("8", "sha256:88", 0.2, 0.001)


def test_both_sides_write_the_same_header() -> None:
    assert ORDER.decode() == names.SHADOW
    assert order_of(GOOD) == READ
    assert order_text(ShadowOrder(Identity("8", "sha256:88"), 0.2, 0.001)).encode() == GOOD


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.floats(0.0001, 1),
    st.floats(0, 1e6),
)
def test_what_the_operator_writes_is_read(version: str, digest: str, share: float, tolerance: float) -> None:
    order = order_of(order_text(ShadowOrder(Identity(version, digest), share, tolerance)).encode())
    assert order is not None
    assert order.challenger == (version, digest)
    assert order.share == pytest.approx(share, rel=1e-5)
    assert order.tolerance == pytest.approx(tolerance, rel=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"on",
        GOOD + b";",
        GOOD + b"\n",
        b" " + GOOD,
        GOOD.replace(b"share=0.2", b"share=0"),
        GOOD.replace(b"share=0.2", b"share=1.1"),
        GOOD.replace(b"share=0.2", b"share=nan"),
        GOOD.replace(b"share=0.2", b"share=-0.2"),
        GOOD.replace(b"share=0.2", b"share=1e99"),
        GOOD.replace(b"share=0.2", b"share=" + b"0" * 10_000),
        GOOD.replace(b"tolerance=0.001", b"tolerance=inf"),
        GOOD.replace(b"tolerance=0.001", b"tolerance="),
        GOOD.replace(b"tolerance=0.001", b"tolerance=1e+999"),
        GOOD.replace(b"version=8", b"version="),
        GOOD.replace(b"version=8", b"version=" + b"8" * 600),
        GOOD.replace(b"version=8", "version=\u00e9".encode()),
        GOOD.replace(b"version=8", b"version=8\r\nx: y"),
        GOOD.replace(b"digest=", b"host=evil;digest="),
        GOOD.replace(b";digest=sha256%3A88", b""),
    ],
)
def test_anything_else_is_ignored(text: bytes) -> None:
    assert order_of(text) is None
    orders = Orders()
    orders.hear([(ORDER, GOOD)])
    orders.hear([(ORDER, text)])
    assert orders.now == READ, "and does not end what was told before"


@given(st.binary(max_size=200))
def test_no_bytes_are_a_fault(text: bytes) -> None:
    order_of(text)


def test_an_order_that_is_told_twice_at_once_is_none() -> None:
    orders = Orders()
    orders.hear([(ORDER, GOOD), (ORDER, GOOD)])
    assert orders.now is None


def test_an_order_lapses(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("podium.runtime.shadow.time.monotonic", lambda: clock[0])
    orders = Orders()
    orders.hear([(ORDER, GOOD)])
    clock[0] += shadow.HOLDS_SECONDS - 0.1
    assert orders.now == READ
    orders.hear([(b"accept", b"text/plain")])
    clock[0] += 0.2
    assert orders.now is None, "a scrape without the header changes nothing"
