"""Who answers: the model version that this process serves, as headers and as labels."""

import string
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

Headers = list[tuple[bytes, bytes]]

_IN_HEADERS = string.punctuation + " "


@dataclass(frozen=True)
class Identity:
    """A model version. Before it is loaded, run and digest are not known and empty."""

    model: str
    version: str
    run_id: str = ""
    digest: str = ""

    @cached_property
    def block(self) -> bytes:
        """The header lines that every answer carries, each with its line end."""
        named = (("x-podium-model", self.model), ("x-podium-version", self.version), ("x-podium-run-id", self.run_id))
        return b"".join(b"%b: %b\r\n" % (name.encode(), header_value(value)) for name, value in named)


def header_value(value: str) -> bytes:
    """A model's name may hold any character; a header may not: what it may not hold is percent-encoded."""
    return quote(value, safe=_IN_HEADERS).encode()
