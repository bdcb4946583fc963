"""Running other programs: the only place that starts a process."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.errors import CommandFailed, TimedOut
from testbed.progress import say

HEARTBEAT = 20.0  # seconds between two signs of life of a long command
# Debian keeps system tools out of a plain user's PATH.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "PATH": SEARCH_PATH, **(extra or {})}


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: str | None = None,
    check: bool = True,
    timeout: float = 120,
) -> str:
    """What a short command prints on stdout.

    Raises `CommandFailed` where the exit code is not 0 (unless `check` is off), and `TimedOut` after `timeout` seconds.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, env=environment(env), cwd=cwd, input=input, capture_output=True, text=True, timeout=timeout
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
) -> None:
    """Runs a long command with all its output in `log`, and says from time to time that it is still at work.

    Raises `CommandFailed` with the end of the log.
    """
    words = [str(word) for word in command]
    start = time.monotonic()
    with log.open("a") as output:
        output.write(f"$ {' '.join(words)}\n")
        output.flush()
        process = subprocess.Popen(
            words, env=environment(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        while _still_runs(process):
            say(f"{title} ... {time.monotonic() - start:.0f} s so far")
    if process.returncode:
        raise CommandFailed(words, process.returncode, f"{log.read_text(errors='replace')}\n(the whole log: {log})")


def _still_runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(HEARTBEAT)
    except subprocess.TimeoutExpired:
        return True
    except BaseException:
        process.kill()
        raise
    return False


def pipe(
    producer: Sequence[str | Path],
    consumer: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> str:
    """`producer | consumer`; returns what the consumer prints. Raises `CommandFailed` for whichever failed."""
    from_words, to_words = [str(word) for word in producer], [str(word) for word in consumer]
    with subprocess.Popen(
        from_words, env=environment(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as source:
        sink = subprocess.run(
            to_words, env=environment(env), stdin=source.stdout, capture_output=True, text=True, timeout=timeout
        )
        assert source.stdout and source.stderr
        source.stdout.close()
        complaint = source.stderr.read().decode(errors="replace")
    if sink.returncode:
        raise CommandFailed(to_words, sink.returncode, sink.stdout + sink.stderr + complaint)
    if source.returncode:
        raise CommandFailed(from_words, source.returncode, complaint)
    return sink.stdout
