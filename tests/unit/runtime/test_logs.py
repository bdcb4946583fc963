"""Lines of the log as JSON."""

import json
import logging
import sys

from podium.runtime.logs import JsonLines


def test_a_record_is_one_object_on_one_line_with_its_trace() -> None:
    try:
        int("two\nlines")
    except ValueError:
        record = logging.LogRecord("podium.x", logging.ERROR, "", 0, "found %r", ("\n\ud800",), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    read = json.loads(line)
    assert (read["level"], read["logger"], read["message"]) == ("ERROR", "podium.x", "found '\\n\\ud800'")
    assert "\nValueError: " in read["trace"]
    assert read["time"].endswith("+00:00")


def test_a_message_with_broken_text_is_still_written() -> None:
    record = logging.LogRecord("podium", logging.INFO, "", 0, "\ud800", (), None)
    assert json.loads(JsonLines().format(record))["message"] == "?"
