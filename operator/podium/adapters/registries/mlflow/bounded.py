"""Answers of MLflow's API, read up to a limit of bytes and of time, before its client reads all there is.

An answer without an end would fill the operator's memory, and one that comes a byte at a time would keep its thread for
ever: the client's time limit is for each read. Files of an artifact store are streamed, and have limits of their own
(`streamed`).
"""

import time
from typing import Any, Final

import requests.exceptions as http
import urllib3.exceptions as below

MOST_BYTES: Final = 64 * 2**20  # a thousand registered models with their newest versions are some 2 MiB
MOST_SECONDS: Final = 30.0
_READ: Final = 2**16


def read_bounded(response: Any, *, stream: bool = False, **_: Any) -> None:
    """A hook of `requests` for each response. Raises the client's own errors, for an answer that is too much as well.

    What is streamed is left alone.
    """
    if stream:
        return
    try:
        response._content = _content(response.raw)  # noqa: SLF001  where `content` keeps it
    except BaseException:
        response.close()  # what is raised here is not handed to the client, which closes what it has
        raise
    response._content_consumed = True  # noqa: SLF001


def _content(raw: Any) -> bytes:
    content, until = bytearray(), time.monotonic() + MOST_SECONDS
    try:
        while data := raw.read1(_READ, decode_content=True):
            content += data
            if len(content) > MOST_BYTES:
                raise http.ConnectionError(f"its answer has more than {MOST_BYTES} bytes")
            if time.monotonic() > until:
                raise http.ConnectionError(f"its answer has no end after {MOST_SECONDS:g} s")
    except below.ProtocolError as error:
        raise http.ChunkedEncodingError(error) from error
    except below.DecodeError as error:
        raise http.ContentDecodingError(error) from error
    except below.HTTPError as error:
        raise http.ConnectionError(error) from error
    return bytes(content)
