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
from collections.abc import Iterator
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


class Members:
    """Processes that load one model. They can be ended from another thread than the one that waits for them."""

    def __init__(self) -> None:
        self._started: list[Member] = []
        self._ended = False

    def __iter__(self) -> Iterator[Member]:
        return iter(self._started)

    def add(self, member: Member) -> None:
        """Take one in. It ends at once where all have been ended before."""
        self._started.append(member)
        if self._ended:
            member.process.kill()

    def end(self) -> None:
        """End them, whatever they do: whoever waits for them is told that they have ended."""
        self._ended = True
        for member in self._started:
            member.process.kill()


@contextmanager
def starting(directory: Path, settings: Settings, members: Members) -> Iterator[None]:
    """Start the processes, where the settings ask for any: they load while the block runs. Where it fails, they end.

    `ready` waits for them, within the block.
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
        for _ in range(settings.members):
            member = _started(order)
            where_it_fails.callback(member.end)
            members.add(member)
        yield
        where_it_fails.pop_all()


def ready(members: Members) -> Processes:
    """Return them once all have loaded and proved the model. Raises StartError: one could not."""
    for member in members:
        _await(member)
    return Processes(list(members))


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
    # It closes with this process: what the model starts or forks may live on, and the server would wait for that
    os.set_inheritable(descriptor, False)
    os.register_at_fork(after_in_child=pipe.close)
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
