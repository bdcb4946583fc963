"""Predictions in processes of their own, for models that hold Python's interpreter lock while they compute.

One process serves: it alone has the ports, the queue, the counters, the probes and reloads. It hands rows to one of
these processes, each of which has loaded the model itself, and waits for the raw prediction. So whatever is told of
the pod is told once, and is right; a port that several processes share would have each count for itself.

What is asked is a tuple of a method's name and its arguments, pickled, over a socket between parent and child. What
comes back is a pair: "answer" and the raw prediction, "fault" and a Fault, or "end" of a stream.
"""

import itertools
import os
import pickle
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol

from podium.runtime.faults import Fault, ModelFault, ProcessLost, RequestFault
from podium.runtime.prediction.forks import end_if_forked

_END_SECONDS = 2.0  # in which a process that is not needed any more ends by itself
SHOW_STACK = signal.SIGUSR1  # a process that gets this says in the log where it stands

_END = object()  # of a stream

Message = tuple[str, Any]


class Predicts(Protocol):
    """The model, as it is asked in its process."""

    def predict(self, query: Any, /) -> Any: ...
    def predict_rows(self, rows: Any, /) -> Any: ...
    def predict_stream(self, query: Any, /) -> Iterator[Any]: ...


@dataclass(eq=False)
class Member:
    """One process that predicts."""

    process: "subprocess.Popen[bytes]"
    pipe: Connection

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def ask(self, *call: Any) -> Message:
        """Return its answer.

        Raises EOFError or OSError: it has ended. Raises RequestFault: the question cannot be handed over. Raises
        ModelFault: the answer cannot be read.
        """
        question = _question(call)
        try:
            self.pipe.send_bytes(question)
            answer = self.pipe.recv_bytes()
        except (EOFError, OSError):
            raise
        except BaseException:  # no memory for the answer, say
            self.process.kill()  # the next question would be answered by what is left of this answer
            raise
        return _read(answer)

    def end(self) -> None:
        """Let it end; by force where it still predicts."""
        self.pipe.close()
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Processes:
    """The processes of one model. Asked by as many threads as there are processes; each question has one to itself."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = tuple(members)
        self._free = list(members)
        self._changed = threading.Condition()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._members)

    def predict(self, query: Any) -> Any:
        """Return what the model says. Raises Fault, as the model does in its process."""
        return self._ask(None, "predict", query)[1]

    def predict_rows(self, rows: Any) -> Any:
        """Return what the model says of rows that its plan has read. Raises Fault."""
        return self._ask(None, "predict_rows", rows)[1]

    def predict_stream(self, query: Any) -> Iterator[Any]:
        """Yield what the model says bit by bit, all of it from one process, which answers others meanwhile."""
        number = next(self._numbers)
        with self._taken(None) as member:
            self._told(member, "begin", number, query)
        try:
            while (bit := self._ask(member, "next", number))[0] != "end":
                yield bit[1]
        finally:
            if member.alive:
                self._ask(member, "close", number)

    def show_stacks(self) -> None:
        """Let each process say in the log where it stands."""
        for member in self._members:
            if member.alive:
                member.process.send_signal(SHOW_STACK)

    @property
    def alive(self) -> bool:
        """Whether any of them runs."""
        return any(member.alive for member in self._members)

    def lost(self) -> str | None:
        """Return what a process ended with that should not have ended, or None. The others go on."""
        codes = [code for member in self._members if (code := member.process.poll()) is not None]
        return f"a process that predicts ended with {ending(codes[0])}" if codes else None

    def close(self) -> None:
        """End them all. Not on the event loop."""
        for member in self._members:
            member.end()

    def _ask(self, wanted: Member | None, *call: Any) -> Message:
        with self._taken(wanted) as member:
            return self._told(member, *call)

    def _told(self, member: Member, *call: Any) -> Message:
        try:
            kind, value = member.ask(*call)
        except (EOFError, OSError) as error:
            member.end()  # the kernel has closed its end; the code follows at once, unless the model did
            raise self._ended() from error
        if kind == "fault":
            raise value
        return kind, value

    @contextmanager
    def _taken(self, wanted: Member | None) -> Iterator[Member]:
        member = self._take(wanted)
        try:
            yield member
        finally:
            with self._changed:
                self._free.append(member)
                self._changed.notify_all()

    def _take(self, wanted: Member | None) -> Member:
        """Wait for this one, or for any. Raises ModelFault: it has ended, and nothing is to be waited for."""
        with self._changed:
            while any(member.alive for member in (self._members if wanted is None else (wanted,))):
                fit = [member for member in self._free if wanted in (None, member) and member.alive]
                if fit:
                    self._free.remove(fit[-1])
                    return fit[-1]
                self._changed.wait()
        raise self._ended()

    def _ended(self) -> ProcessLost:
        return ProcessLost("the process that predicts has ended", left=sum(member.alive for member in self._members))


def _question(call: tuple[Any, ...]) -> bytes:
    try:
        return pickle.dumps(call, pickle.HIGHEST_PROTOCOL)
    except RecursionError as error:
        reason = "the request is nested too deep to be handed to a process that predicts (PODIUM_PROCESSES)"
        raise RequestFault(reason) from error


def _read(answer: bytes) -> Message:
    try:
        message: Message = pickle.loads(answer)  # noqa: S301  from a process of ours, with the same model in it
    except Exception as error:
        raise _not_handed_over(error) from error
    return message


def attend(pipe: Connection, model: Predicts) -> None:
    """Answer in a process that predicts, until the pipe is closed."""
    streams: dict[int, tuple[Iterator[Any], Context]] = {}
    me = os.getpid()
    while True:
        try:
            method, *arguments = pickle.loads(pipe.recv_bytes())  # noqa: S301  from the process that serves
        except (EOFError, OSError):
            return
        answer = _answered(model, streams, method, arguments)
        end_if_forked(me)
        pipe.send_bytes(_pickled(answer))


def _answered(
    model: Predicts, streams: dict[int, tuple[Iterator[Any], Context]], method: str, arguments: list[Any]
) -> Message:
    try:
        message: Message = _DOES[method](model, streams, *arguments)
    except Fault as fault:
        return "fault", fault
    except BaseException as error:  # noqa: BLE001  as in a thread that predicts: the model is at fault, and asked again
        return "fault", ModelFault(f"the prediction ended with {type(error).__name__}")
    return message


def _begin(model: Predicts, streams: dict[int, Any], number: int, query: Any) -> Message:
    streams[number] = iter(model.predict_stream(query)), copy_context()  # MLflow sets variables around a whole answer
    return "answer", None


def _next(model: Predicts, streams: dict[int, Any], number: int) -> Message:
    del model
    bits, context = streams[number]
    bit = context.run(next, bits, _END)
    return ("end", None) if bit is _END else ("answer", bit)


def _close(model: Predicts, streams: dict[int, Any], number: int) -> Message:
    del model
    bits, context = streams.pop(number)
    context.run(bits.close)
    return "answer", None


_DOES: dict[str, Any] = {
    "predict": lambda model, _, query: ("answer", model.predict(query)),
    "predict_rows": lambda model, _, rows: ("answer", model.predict_rows(rows)),
    "begin": _begin,
    "next": _next,
    "close": _close,
}


def _pickled(message: Message) -> bytes:
    try:
        return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001  whatever an object of the model raises
        return pickle.dumps(("fault", _not_handed_over(error)))


def _not_handed_over(error: Exception) -> ModelFault:
    return ModelFault(f"the model's answer cannot be handed from one process to another: {type(error).__name__}")


def ending(code: int) -> str:
    """What a process ended with, by its return code: below 0 it is a signal's number."""
    if code >= 0:
        return f"exit code {code}"
    more = ", most likely for want of memory" if -code == signal.SIGKILL else ""
    return f"{signal.Signals(-code).name}{more}"


def ends_with(parent: int, every: float) -> None:
    """End this process, whatever it does, once its parent has ended. Looks in a thread, each `every` seconds."""

    def watch() -> None:
        waited = threading.Event()
        while os.getppid() == parent:
            waited.wait(every)
        os._exit(0)

    threading.Thread(target=watch, name="parent", daemon=True).start()
