"""Compressed bodies: bounded before they unfold, and answers only to those who ask."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard

from podium.runtime.exchange import Request, Response
from podium.runtime.faults import RequestFault, TooLarge, WrongMediaType
from podium.runtime.http.codings import LEAST, MEMBERS, MOST, decoded, encoded

LIMIT = 1_000_000
CODED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}
BODY = b'{"inputs": [1.5]}' * 100


def of(coding: str) -> list[tuple[bytes, bytes]]:
    return [(b"content-encoding", coding.encode())]


@pytest.mark.parametrize("coding", CODED)
def test_a_body_means_what_it_means_without_its_coding(coding: str) -> None:
    assert decoded(CODED[coding](BODY), of(coding.upper()), LIMIT) == BODY


@pytest.mark.parametrize("coding", CODED)
def test_a_body_may_unfold_to_the_limit_and_no_further(coding: str) -> None:
    assert len(decoded(CODED[coding](b"0" * LIMIT), of(coding), LIMIT)) == LIMIT
    with pytest.raises(TooLarge, match="unfolds to at most 1000000 bytes"):
        decoded(CODED[coding](b"0" * (LIMIT + 1)), of(coding), LIMIT)


@pytest.mark.parametrize("coding", CODED)
def test_a_bomb_is_not_unfolded(coding: str) -> None:
    """200 MB in 200 kB: memory stays near the limit."""
    bomb = CODED[coding](b"0" * 200_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decoded(bomb, of(coding), LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * LIMIT


@pytest.mark.parametrize("coding", CODED)
@pytest.mark.parametrize("spoil", [lambda whole: whole[:-5], lambda whole: whole + b"more", lambda _: b"nonsense"])
def test_a_body_that_is_cut_or_has_more_behind_it_is_refused(coding: str, spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(RequestFault, match=f"expected one whole {coding} body"):
        decoded(spoil(CODED[coding](BODY)), of(coding), LIMIT)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_members_one_behind_another_are_one_body(coding: str) -> None:
    """As bgzip, `cat a.gz b.gz` and writers that flush by member write it."""
    parts = [BODY[at : at + 17] for at in range(0, len(BODY), 17)]
    assert decoded(b"".join(map(CODED[coding], parts)), of(coding), LIMIT) == BODY
    with pytest.raises(TooLarge):
        decoded(CODED[coding](b"0" * LIMIT) + CODED[coding](b"0"), of(coding), LIMIT)


@pytest.mark.parametrize(("coding", "members"), [("gzip", MEMBERS + 1), ("zstd", MEMBERS + 1), ("deflate", 2)])
def test_more_members_than_a_writer_makes_are_refused(coding: str, members: int) -> None:
    empty = CODED[coding](b"")
    assert decoded(empty * (members - 1), of(coding), LIMIT) == b""
    with pytest.raises(RequestFault, match=f"expected one whole {coding} body"):
        decoded(empty * members, of(coding), LIMIT)


def test_the_old_name_of_gzip_is_gzip() -> None:
    assert decoded(gzip.compress(BODY), of("x-gzip"), LIMIT) == BODY


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "x"])
def test_an_unknown_coding_is_refused_with_those_that_are_known(coding: str) -> None:
    with pytest.raises(WrongMediaType, match="expected one of gzip, deflate, zstd"):
        decoded(BODY, of(coding), LIMIT)


@pytest.mark.parametrize(
    ("accepts", "coding"),
    [
        (b"gzip, deflate", b"gzip"),
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"GZIP;q=0.5", b"gzip"),
        (b"gzip;q=0", None),
        (b"identity", None),
        (b"", None),
    ],
)
def test_an_answer_is_in_a_coding_that_the_client_accepts(accepts: bytes, coding: bytes | None) -> None:
    request = Request("POST", "/", [(b"accept-encoding", accepts)], b"", b"1")
    answer = encoded(Response(200, b"0" * LEAST), request)
    assert dict(answer.headers).get(b"content-encoding") == coding
    assert isinstance(answer.body, bytes)
    assert decoded(answer.body, answer.headers, LIMIT) == b"0" * LEAST


@pytest.mark.parametrize("size", [LEAST - 1, MOST + 1])
def test_small_and_large_answers_are_not_compressed(size: int) -> None:
    answer = Response(200, b"0" * size)
    assert encoded(answer, Request("GET", "/", [(b"accept-encoding", b"gzip")], b"", b"1")) is answer
