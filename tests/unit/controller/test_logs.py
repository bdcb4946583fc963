import json
import logging
import sys

from podium.controller.logs import JsonLines, PlainLines, about
from podium.core.facts import Key


def record(message: str = "moved", *, failed: bool = False) -> logging.LogRecord:
    info = sys.exc_info() if failed else None
    return logging.LogRecord("podium.x", logging.INFO, __file__, 1, message, (), info)


def test_a_line_about_an_object_names_it() -> None:
    with about(Key("ml", "churn"), version="7", phase="Canary"):
        line = json.loads(JsonLines().format(record()))
    assert {key: line[key] for key in ("namespace", "name", "version", "phase", "level", "message")} == {
        "namespace": "ml",
        "name": "churn",
        "version": "7",
        "phase": "Canary",
        "level": "info",
        "message": "moved",
    }


def test_a_line_about_nothing_names_nothing() -> None:
    assert "namespace" not in json.loads(JsonLines().format(record()))


def test_a_line_is_one_line_whatever_it_holds() -> None:
    try:
        json.loads("two\nlines")
    except ValueError:
        text = JsonLines().format(record("a\nb", failed=True))
    assert "\n" not in text
    assert "JSONDecodeError" in json.loads(text)["exception"]


def test_in_a_shell_the_subject_stands_in_front() -> None:
    with about(Key("ml", "churn"), phase="Canary"):
        assert "[ml/churn Canary] moved" in PlainLines().format(record())
    assert PlainLines().format(record()).endswith("INFO    moved")
