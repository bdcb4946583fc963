"""Processes of this machine, and the control groups that held them."""

import contextlib
import os
import signal
from pathlib import Path

from testbed.waiting import wait_until


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not merely unburied."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def is_in(pid: int, container: str) -> bool:
    """Whether a living process belongs to a container: the number of a dead one may be another's now."""
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False
    return container in groups and is_alive(pid)


def kill_and_wait(pid: int) -> None:
    """Ends a process and, where it is the first of a container, all others in there."""
    os.kill(pid, signal.SIGKILL)
    wait_until(f"process {pid} ends", lambda: not is_alive(pid), 30, interval=0.02)


def remove_cgroup(path: Path) -> None:
    """Removes a control group and those below it, but for any with processes in it: the kernel keeps these."""
    for each in [*sorted((child for child in path.rglob("*") if child.is_dir()), reverse=True), path]:
        with contextlib.suppress(OSError):
            each.rmdir()
