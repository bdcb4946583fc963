"""Tell a service that another version answers, so that it forgets answers of the former one: a cache, say.

It is called once the former version's last answer is out. What fails is tried again, then logged and counted; the swap
stands.
"""

import http.client
import logging
import threading
import time
import urllib.error
import urllib.request
from typing import Protocol

import orjson

from podium.runtime.exits import without_secrets
from podium.runtime.identity import Identity

log = logging.getLogger(__name__)

TRIES = 3
TIMEOUT_SECONDS = 5.0
PAUSE_SECONDS = 1.0


class Called(Protocol):
    """Who is told how the call ended, from another thread."""

    def __call__(self, *, ok: bool) -> None: ...


def call_hook(url: str, who: Identity, was: Identity, called: Called) -> None:
    """POST who serves and who served, in a thread of its own."""
    told = {**_told(who), "former": _told(was)}
    request = urllib.request.Request(url, orjson.dumps(told), {"content-type": "application/json"}, method="POST")  # noqa: S310  HTTP by the setting's rule
    threading.Thread(target=lambda: called(ok=_sent(request)), name="reload-hook", daemon=True).start()


def _told(identity: Identity) -> dict[str, str]:
    return {
        "model": identity.model,
        "version": identity.version,
        "run_id": identity.run_id,
        "digest": identity.digest,
    }


def _sent(request: urllib.request.Request) -> bool:
    for number in range(TRIES):
        time.sleep(PAUSE_SECONDS * number)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310  HTTP by the setting's rule
                return True
        except (OSError, http.client.HTTPException) as error:  # urllib's own are OSErrors
            log.warning("reload hook %s: %s", without_secrets(request.full_url), error)
    log.error("reload hook %s: given up after %d tries", without_secrets(request.full_url), TRIES)
    return False
