"""`python -m podium.runtime.loading.process FD`: load the model, prove it, and predict for the process that serves.

A new process and no fork: a fork has the locks of numeric libraries and MLflow as they were, and none of the threads
that would open them.
"""

import faulthandler
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from podium.runtime import collector, logs
from podium.runtime.exits import Exit, StartError
from podium.runtime.prediction.processes import SHOW_STACK, Member, Processes, attend, ending, ends_with
from podium.runtime.settings import Batching, ExtraColumns, LogFormat, Settings

if TYPE_CHECKING:
    from podium.runtime.prediction.model import Model

_LOOK_SECONDS = 1.0  # between two looks at whether the parent is still there


@dataclass(frozen=True)
class Order:
    """What a process is to load, and how it is to behave."""

    directory: Path
    extra_columns: ExtraColumns
    batching: Batching
    log_format: LogFormat
    temporary: str | None  # where its temporary files belong
    parent: int  # process ID


@contextmanager
def starting(directory: Path, settings: Settings) -> Iterator[list[Member]]:
    """Start the processes, where the settings ask for any: they load while the block runs. Where it fails, they end.

    `ready` waits for them, at the end of the block.
    """
    order = Order(
        directory,
        settings.extra_columns,
        settings.batching,
        settings.log_format,
        tempfile.gettempdir(),
        os.getpid(),
    )
    with ExitStack() as where_it_fails:
        members: list[Member] = []
        for _ in range(settings.members):
            members.append(_started(order))
            where_it_fails.callback(members[-1].end)
        yield members
        where_it_fails.pop_all()


def ready(members: Sequence[Member]) -> Processes | None:
    """Return them once all have loaded and proved the model; None where there are none.

    Raises StartError: one could not.
    """
    for member in members:
        _await(member)
    return Processes(members) if members else None


def _started(order: Order) -> Member:
    here, there = socket.socketpair()
    with there:
        command = [sys.executable, "-m", __name__, str(there.fileno())]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[there.fileno()])  # noqa: S603  our own
    member = Member(process, Connection(here.detach()))
    member.pipe.send_bytes(pickle.dumps(order))
    return member


def _await(member: Member) -> None:
    try:
        code, reason = pickle.loads(member.pipe.recv_bytes())  # noqa: S301  from a process of ours
    except (EOFError, OSError) as error:
        reason = f"a process that predicts ended with {ending(member.process.wait())}, before it had loaded the model"
        raise StartError(Exit.PROCESS_LOST, reason) from error
    if code != Exit.DONE:
        raise StartError(Exit(code), reason)


def main(descriptor: int) -> None:
    """Predict until the pipe of this descriptor is closed."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a whole group gets these: the process that serves drains first
        signal.signal(number, signal.SIG_IGN)
    faulthandler.register(SHOW_STACK)
    pipe = Connection(descriptor)
    order: Order = pickle.loads(pipe.recv_bytes())  # noqa: S301  from the process that serves
    tempfile.tempdir = order.temporary
    logs.begin()
    logs.write_as(order.log_format)
    ends_with(order.parent, _LOOK_SECONDS)
    try:
        model = _prepared(order)
    except StartError as error:
        pipe.send_bytes(pickle.dumps((int(error.exit_code), error.reason)))
        return
    pipe.send_bytes(pickle.dumps((int(Exit.DONE), "")))
    attend(pipe, model)


def _prepared(order: Order) -> "Model":
    from podium.runtime.loading.load import prepared  # noqa: PLC0415  imports MLflow, which takes seconds

    with collector.seldom():
        model, _ = prepared(order.directory, order.extra_columns, order.batching)
        collector.keep()
    return model


if __name__ == "__main__":
    main(int(sys.argv[1]))
