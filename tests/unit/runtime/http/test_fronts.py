"""What speaks HTTP is chosen by a setting."""

import sys

import pytest

from podium.runtime.exits import Exit, StartError
from podium.runtime.http.server import run
from podium.runtime.identity import Identity
from podium.runtime.settings import HttpServer, Settings


async def test_uvicorn_that_is_not_installed_ends_the_start_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "podium.runtime.http.uvicorn", raising=False)
    with pytest.raises(StartError, match=r"pip install 'podium\[uvicorn\]'") as failed:
        await run(Settings(references=(), http=HttpServer.UVICORN), Identity("churn", "7"))
    assert failed.value.exit_code is Exit.BAD_SETTINGS
