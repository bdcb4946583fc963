"""Answers of MLflow's API, and those of S3 that are no file, read up to a limit of bytes and of time.

An answer without an end would fill the operator's memory, and one that comes a byte at a time would keep its thread for
ever: the client's time limit is for each read. Files of an artifact store are streamed, and have limits of their own
(`streamed`).
"""

import time
from typing import Any, Final

import requests.exceptions as http
import urllib3.exceptions as below
from urllib3.response import HTTPResponse

MOST_BYTES: Final = 64 * 2**20  # a thousand registered models with their newest versions are some 2 MiB
MOST_SECONDS: Final = 30.0
_READ: Final = 2**16


def read_bounded(response: Any, *, stream: bool = False, **_: Any) -> None:
    """A hook of `requests` for each response. Raises the client's own errors, for an answer that is too much as well.

    A file is left alone: it is streamed. Where an error or a redirect comes in its stead, the client would read that to
    its end.
    """
    if stream and response.status_code < 300:  # noqa: PLR2004  HTTP's classes
        return
    try:
        response._content = _content(response.raw)  # noqa: SLF001  where `content` keeps it
    except BaseException:
        response.close()  # what is raised here is not handed to the client, which closes what it has
        raise
    response._content_consumed = True  # noqa: SLF001


def leave_what_is_retried() -> None:
    """From now on, an answer after which the request is sent again is not read to its end first, for the whole process.

    urllib3 does so that it can use the connection again. An error without an end would keep the thread for ever.
    """
    HTTPResponse.drain_conn = HTTPResponse.close  # type: ignore[method-assign]


class TooMuch(Exception):
    """An answer has more bytes than any should have, or takes too long."""


def bounded(raw: Any) -> bytes:
    """All of an answer of urllib3. Raises TooMuch, and urllib3's own errors."""
    content, until = bytearray(), time.monotonic() + MOST_SECONDS
    while data := raw.read1(_READ, decode_content=True):
        content += data
        if len(content) > MOST_BYTES:
            raise TooMuch(f"its answer has more than {MOST_BYTES} bytes")
        if time.monotonic() > until:
            raise TooMuch(f"its answer has no end after {MOST_SECONDS:g} s")
    return bytes(content)


def _content(raw: Any) -> bytes:
    try:
        return bounded(raw)
    except TooMuch as error:
        raise http.ConnectionError(str(error)) from error
    except below.ProtocolError as error:
        raise http.ChunkedEncodingError(error) from error
    except below.DecodeError as error:
        raise http.ContentDecodingError(error) from error
    except below.HTTPError as error:
        raise http.ConnectionError(error) from error
