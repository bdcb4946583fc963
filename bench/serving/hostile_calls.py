"""Hostile calls of gRPC: spoilt messages, tensors that are not what they say, and methods that there are not."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import pandas as pd

from bench.serving.hostile_bodies import NASTY, column_tensors
from podium.runtime.protocols.messages import ModelInferRequest

SERVICE = "/inference.GRPCInferenceService/"
METHODS = ("ModelInfer", "ModelReady", "ModelMetadata", "ServerLive", "ServerReady", "ServerMetadata", "None", "")
CONTENTS = {"FP64": "fp64_contents", "INT64": "int64_contents", "BOOL": "bool_contents", "BYTES": "bytes_contents"}
SECONDS = 30.0
LARGE = 200_000  # dimensions, values or texts of an expensive message

# What a server may answer to a call that is wrong; anything else is a fault of its own
ANSWERS = frozenset(
    {
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)


@dataclass(frozen=True)
class Call:
    """One call, as it is sent."""

    method: str
    body: bytes


def calls(frame: pd.DataFrame, model: str, seed: int) -> Iterator[Call]:
    """Yield calls without end, the same for the same seed. `frame` is what the model can predict."""
    chance = random.Random(seed)
    while True:
        method = "ModelInfer" if chance.random() < 0.9 else chance.choice(METHODS)
        message = _message(frame, model, chance)
        if chance.random() < 0.6:
            _spoil(message, chance)
        body = message.SerializeToString()
        kind = chance.random()
        if kind < 0.1:
            body = body[: chance.randrange(len(body) + 1)]
        elif kind < 0.2:
            body = bytes(byte ^ (chance.random() < 0.01) for byte in body[:5000])
        elif kind < 0.25:
            body = chance.randbytes(chance.randrange(2000))
        yield Call(method, body)


def _message(frame: pd.DataFrame, model: str, chance: random.Random) -> Any:
    message = ModelInferRequest(model_name=model, id="1")
    raw = chance.random() < 0.5
    for tensor in column_tensors(frame):
        put = message.inputs.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
        cells = [cell.encode() if isinstance(cell, str) else cell for cell in tensor["data"]]
        if not raw:
            getattr(put.contents, CONTENTS[tensor["datatype"]]).extend(cells)
        elif tensor["datatype"] == "BYTES":
            message.raw_input_contents.append(b"".join(len(cell).to_bytes(4, "little") + cell for cell in cells))
        else:
            message.raw_input_contents.append(np.array(cells).tobytes())
    return message


def _spoil(message: Any, chance: random.Random) -> None:
    """Change one thing in a message."""
    tensor = chance.choice(message.inputs)
    spoilers: list[Callable[[], Any]] = [
        lambda: setattr(tensor, "name", str(chance.choice(NASTY))),
        lambda: setattr(tensor, "datatype", chance.choice(("FP16", "INT8", "UINT64", "BYTES", "BOOL", "x", ""))),
        lambda: tensor.shape.append(chance.choice((0, -1, 1, 2**31, 2**63 - 1))),
        lambda: tensor.shape.extend([2**63 - 1] * (LARGE if chance.random() < 0.02 else 5)),
        lambda: tensor.ClearField("shape"),
        lambda: tensor.contents.fp64_contents.extend([float("nan"), float("inf"), 1e308]),
        lambda: tensor.contents.bytes_contents.append(chance.choice((b"", b"\xff\xfe", b"x" * 10_000))),
        lambda: message.raw_input_contents.append(chance.randbytes(chance.randrange(100))),
        lambda: message.ClearField("raw_input_contents"),
        lambda: message.inputs.add().CopyFrom(tensor),
        lambda: message.ClearField("inputs"),
        lambda: setattr(message, "model_name", str(chance.choice(NASTY))),
        lambda: setattr(message, "model_version", str(chance.choice(NASTY))),
        lambda: message.outputs.add(name=str(chance.choice(NASTY))),
        lambda: setattr(message.parameters[str(chance.choice(NASTY))], "string_param", "x"),
        lambda: setattr(message.parameters["factor"], "int64_param", chance.choice((0, -(2**63)))),
    ]
    chance.choice(spoilers)()


class Caller:
    """A client of the gRPC port, by bytes."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address)

    def ask(self, call: Call) -> tuple[grpc.StatusCode, str]:
        """Send a call. Returns its code, and what is wrong with that (empty: nothing)."""
        try:
            self._channel.unary_unary(f"{SERVICE}{call.method}")(call.body, timeout=SECONDS)
        except grpc.RpcError as error:
            code = error.code()
            return code, "" if code in ANSWERS else f"{code.name}: {str(error.details())[:200]}"
        return grpc.StatusCode.OK, ""

    def close(self) -> None:
        """Let the connection go."""
        self._channel.close()
