"""Running other programs: the only place that starts a process."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from testbed.errors import CommandFailed, TimedOut
from testbed.forecast import Forecast, Usual
from testbed.progress import BOARD

TICK = 0.5  # seconds between two looks at a long command
# Debian keeps system tools out of a plain user's PATH.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """The environment of a command: this process's, with the tools' folders and these variables."""
    return {**os.environ, "PATH": SEARCH_PATH, **(extra or {})}


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: str | None = None,  # noqa: A002  as in subprocess.run
    check: bool = True,
    timeout: float = 120,
) -> str:
    """What a short command prints on stdout.

    Raises `CommandFailed` where the exit code is not 0 (unless `check` is off), and `TimedOut` after `timeout` seconds.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            check=False,
            env=environment(env),
            cwd=cwd,
            input=input,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise TimedOut(f"no end after {timeout:.0f} s: {' '.join(words)}") from None
    except FileNotFoundError as missing:
        raise CommandFailed(words, 127, str(missing)) from None
    if check and done.returncode:
        raise CommandFailed(words, done.returncode, done.stdout + done.stderr)
    return done.stdout


def succeeds(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, timeout: float = 30) -> bool:
    """Whether a command ends with exit code 0, in time."""
    try:
        run(command, env=env, timeout=timeout)
    except (CommandFailed, TimedOut):
        return False
    return True


def run_logged(
    title: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    forecast: Forecast | None = None,
) -> None:
    """Runs a long command with all its output in `log`, and shows how far it is and what is left (`forecast`).

    Raises `CommandFailed` with the end of the log.
    """
    words = [str(word) for word in command]
    start = time.monotonic()
    expected = forecast or Usual(title)
    with log.open("a") as output:
        output.write(f"$ {' '.join(words)}\n")
        output.flush()
        process = subprocess.Popen(
            words, env=environment(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        with BOARD.working(title, expected.at):
            while _still_runs(process):
                BOARD.tick()
    if process.returncode:
        raise CommandFailed(words, process.returncode, f"{log.read_text(errors='replace')}\n(the whole log: {log})")
    expected.done(time.monotonic() - start)


def _still_runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(TICK)
    except subprocess.TimeoutExpired:
        return True
    except BaseException:
        process.kill()
        raise
    return False


def feed(
    write: Callable[[IO[bytes]], object],
    consumer: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
) -> None:
    """Runs a command whose standard input `write` makes on the fly. Raises `CommandFailed`."""
    words = [str(word) for word in consumer]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            words, env=environment(env), stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        )
        assert process.stdin
        with contextlib.suppress(BrokenPipeError), process.stdin:
            write(process.stdin)
        if process.wait():
            output.seek(0)
            raise CommandFailed(words, process.returncode, output.read().decode(errors="replace"))


def pipe(
    producer: Sequence[str | Path], consumer: Sequence[str | Path], *, env: Mapping[str, str] | None = None
) -> None:
    """`producer | consumer`. Raises `CommandFailed` for whichever failed."""
    words = [str(word) for word in producer]
    with subprocess.Popen(words, env=environment(env), stdout=subprocess.PIPE) as source:
        feed(lambda target: shutil.copyfileobj(source.stdout or target, target), consumer, env=env)
    if source.returncode:
        raise CommandFailed(words, source.returncode, "")
