"""The log of the process, as text for people or as one JSON object a line for collectors."""

import logging
import sys
from datetime import UTC, datetime

import orjson

from podium.runtime.settings import LogFormat

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, and the trace where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage().encode(errors="replace").decode(),  # no surrogates: JSON has none
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info).encode(errors="replace").decode()
        return orjson.dumps(line).decode()


def begin() -> None:
    """Log to stderr, as text until the settings are read."""
    logging.basicConfig(level=logging.INFO, format=TEXT, stream=sys.stderr)


def write_as(expected: LogFormat) -> None:
    """Write all further lines in this format."""
    formatter = JsonLines() if expected is LogFormat.JSON else logging.Formatter(TEXT)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)
