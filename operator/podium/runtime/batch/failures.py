"""How scoring ends: one table of exit codes, and the errors that choose among them.

ScoreError
 ├─ Unreadable      20  the input cannot be read as a table
 ├─ Unfit           21  the input is a table, but not what the model's signature asks for
 ├─ NameClash       22  two columns of the output would have the same name
 ├─ OtherRun        23  an unfinished run of other work lies beside the output
 ├─ ModelFailed     24  the model raised, or its answer is no table of as many rows as it was asked
 └─ Unwritable      25  the output cannot be written

0 is done, 2 wrong arguments; a model that cannot be fetched or loaded ends with the server's code (`runtime.exits`).
"""

from enum import IntEnum


class ScoreExit(IntEnum):
    """The exit codes of `podium score` beside those of a model that does not start; numbers are never reused."""

    UNREADABLE = 20
    UNFIT = 21
    NAME_CLASH = 22
    OTHER_RUN = 23
    MODEL_FAILED = 24
    UNWRITABLE = 25


class ScoreError(Exception):
    """The table cannot be scored; the message says object, expected, found and next step."""

    exit_code: ScoreExit


class Unreadable(ScoreError):
    """The input cannot be read as a table."""

    exit_code = ScoreExit.UNREADABLE


class Unfit(ScoreError):
    """The input is not what the model's signature asks for."""

    exit_code = ScoreExit.UNFIT


class NameClash(ScoreError):
    """Two columns of the output would have the same name."""

    exit_code = ScoreExit.NAME_CLASH


class OtherRun(ScoreError):
    """The journal beside the output is of other work."""

    exit_code = ScoreExit.OTHER_RUN


class ModelFailed(ScoreError):
    """The model raised, or what it answered is no table of as many rows as it was asked."""

    exit_code = ScoreExit.MODEL_FAILED


class Unwritable(ScoreError):
    """The output cannot be written."""

    exit_code = ScoreExit.UNWRITABLE
