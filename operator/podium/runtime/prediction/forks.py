"""A model may fork, and what it forks has copies of the server's sockets: it must not speak in the server's name.

A process that is meant to be one ends in the model's own code, as multiprocessing sees to. One that comes back from the
prediction, because it returned or raised, would be the server a second time: it would take questions that are not its
own, and answer clients that others answer.
"""

import logging
import os

log = logging.getLogger(__name__)


def end_if_forked(server: int) -> None:
    """End this process at once, unless it is the one with this ID: the model's code has made it a copy of that one."""
    if os.getpid() != server:
        log.warning("the model forked, and its new process came back from the prediction; it ends here")
        os._exit(1)
