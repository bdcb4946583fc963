"""`python -m podium.runtime`: serve the model version that the environment names."""

import asyncio
import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from typing import NoReturn

import uvloop

from podium.runtime import logs
from podium.runtime.exits import Exit, StartError
from podium.runtime.http.server import Door, run
from podium.runtime.settings import Settings, termination_log

log = logging.getLogger("podium.runtime")

# What MLflow does unless told otherwise, and a server must not: call home, and wait and retry for many minutes before
# it says that the registry is down. A registry that refuses is told of after 12 s, a silent one after four minutes: a
# server that proxies an object store is silent until it has the whole file itself. Whoever sets these is obeyed.
MLFLOW_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}


def main(environ: MutableMapping[str, str]) -> Exit:
    """Serve, and return how it ended."""
    logs.begin()
    for name, value in MLFLOW_DEFAULTS.items():
        environ.setdefault(name, value)
    try:
        settings = Settings.from_environment(environ)
        logs.write_as(settings.log_format)
        with own_temporary_files(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(settings, settings.references[0].identity, doors(settings), partial(_abort, environ)))
    except StartError as error:
        return _ended(environ, error)
    except OSError as error:
        log.exception("a file or a socket of this machine failed")
        return _ended(environ, StartError(Exit.NO_STORAGE, f"{error}; the server needs room and permission for it"))
    except (Exception, SystemExit) as error:  # the model's code may end the process too
        log.exception("a fault that the server did not foresee")
        reason = f"{type(error).__name__}: {error}; the log has the trace"
        return _ended(environ, StartError(Exit.UNFORESEEN, reason))
    return Exit.DONE


def doors(settings: Settings) -> list[Door]:
    """Return the ports beside the serving port. Raises StartError: gRPC is asked for, and hpack is not installed."""
    if settings.grpc_port is None:
        return []
    try:
        return [importlib.import_module("podium.runtime.grpc.port").listening]
    except ModuleNotFoundError as error:
        reason = f"PODIUM_GRPC_PORT needs {error.name}, which is not installed: pip install 'podium[grpc]'"
        raise StartError(Exit.BAD_SETTINGS, reason) from error


def _ended(environ: MutableMapping[str, str], error: StartError) -> Exit:
    log.error("exit %d %s: %s", error.exit_code, error.exit_code.name, error.reason)
    _leave_word(environ, error)
    return error.exit_code


def _abort(environ: MutableMapping[str, str], error: StartError) -> None:
    """End the process from a thread beside the event loop, which does not return."""
    leave(_ended(environ, error))


def leave(ended: Exit) -> NoReturn:
    """End the process, with all that it has written."""
    logging.shutdown()
    sys.stdout.flush()
    # A loading or predicting thread may hang in foreign code, and nothing is left to be said.
    os._exit(ended)


@contextmanager
def own_temporary_files() -> Iterator[None]:
    """Put the process's temporary files into one directory, and take that away at the end: models are large."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="podium-", ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before


def _leave_word(environ: MutableMapping[str, str], error: StartError) -> None:
    """Write the reason where Kubernetes shows it as the container's termination message."""
    try:
        file = termination_log(environ)
        if file is None:
            return
        file.write_text(f"{error.exit_code.name}: {error.reason}\n")
    except (OSError, ValueError):
        log.exception("the reason could not be written where Kubernetes reads it")


if __name__ == "__main__":
    leave(main(os.environ))
