"""What can go wrong, sorted by what the caller does next.

The tree:

    TestbedError
    +-- MissingTools    the person installs something
    +-- CommandFailed   the person reads the command's last lines
    +-- TimedOut        the person looks at what was waited for

Each is a sentence or two for the person at the shell; `__main__` prints it without a traceback.
"""

from collections.abc import Sequence


class TestbedError(Exception):
    """A message for the person at the shell. No traceback is needed to understand it."""

    __test__ = False  # the name makes pytest think that this is a test


class MissingTools(TestbedError):
    """What this machine lacks, all of it at once."""

    def __init__(self, missing: Sequence[str]) -> None:
        lines = "".join(f"\n  - {line}" for line in missing)
        super().__init__(f"this machine lacks what the test cluster needs:{lines}")
        self.missing = tuple(missing)


class CommandFailed(TestbedError):
    """A command ended with another exit code than 0."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        tail = "".join(f"\n  | {line}" for line in output.strip().splitlines()[-30:])
        super().__init__(f"exit code {code} from: {' '.join(command)}{tail}")
        self.command = tuple(command)
        self.code = code
        self.output = output


class TimedOut(TestbedError):
    """Something that should have become true did not."""
