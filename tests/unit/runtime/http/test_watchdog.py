"""The event loop that a prediction holds up is seen from outside."""

import threading
import time

from podium.runtime.http.watchdog import SILENT_SECONDS, Watchdog


def test_an_event_loop_that_works_tells_itself_why_it_cannot_go_on() -> None:
    watchdog = Watchdog(lambda now: f"stalled at {now}", lambda why: None)
    watchdog.hear(100.0)
    assert watchdog.check(100.0 + SILENT_SECONDS) is None


def test_one_that_is_held_up_is_spoken_for() -> None:
    watchdog = Watchdog(lambda now: f"stalled at {now:g}", lambda why: None)
    watchdog.hear(100.0)
    assert watchdog.check(101.0 + SILENT_SECONDS) == f"stalled at {101 + SILENT_SECONDS:g}"


def test_the_process_ends_in_the_watchdogs_thread() -> None:
    ended, found = threading.Event(), []

    def end(why: str) -> None:
        found.append((why, threading.current_thread().name))
        ended.set()

    watchdog = Watchdog(lambda _: "it hangs", end)
    watchdog.hear(time.monotonic() - 2 * SILENT_SECONDS)
    watchdog.start()
    assert ended.wait(10)
    assert found == [("it hangs", "watchdog")]
