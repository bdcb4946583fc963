"""What the clients tell the challenger to do: a number in each request, in the form of MLflow's `/invocations`."""

import json
from random import Random

WORK, FAIL, CRASH, INVALID, HANG, BUSY = 0, 1, 2, 3, 4, 5
COLUMN = "order"
MIXED = 5000  # bodies in one mix: at 100 requests a second, none is sent twice in a run


def body(order: int) -> bytes:
    """The request that gives the obedient model this order."""
    return json.dumps({"dataframe_split": {"columns": [COLUMN], "data": [[order]]}}).encode()


def mix(order: int, share: float, random: Random) -> list[bytes]:
    """Bodies of which each carries the order with this chance, and asks for plain work otherwise."""
    marked, plain = body(order), body(WORK)
    return [marked if random.random() < share else plain for _ in range(MIXED)]
