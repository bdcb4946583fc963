"""Structured logs: one JSON object a line, and every line about a ModelDeployment says which, and where it stands.

The subject travels in a context variable, so that lines from deep inside an adapter carry it too.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from podium.controller.settings import LogFormat
from podium.core.facts import Key

_subject: ContextVar[Mapping[str, str]] = ContextVar("subject", default=MappingProxyType({}))
_FIELDS: Final = ("namespace", "name", "version", "phase")


@contextmanager
def about(key: Key, *, version: str = "", phase: str = "") -> Iterator[None]:
    """Name the ModelDeployment in every line that is logged inside."""
    token = _subject.set(dict(zip(_FIELDS, (key.namespace, key.name, version, phase), strict=True)))
    try:
        yield
    finally:
        _subject.reset(token)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_subject.get(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class PlainLines(logging.Formatter):
    """For a shell: time, level, subject, message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(subject)s%(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        subject = _subject.get()
        record.subject = f"[{subject['namespace']}/{subject['name']} {subject['phase']}] " if subject else ""
        return super().format(record)


def configure(log_format: LogFormat, level: str) -> None:
    """Send all logs to stderr in this form. Libraries speak from WARNING up: kopf tells of every event otherwise."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else PlainLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("podium").setLevel(level)
    # At each start it warns that signals are not kopf's: they are ours on purpose. Its errors are told.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
