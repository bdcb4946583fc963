"""Which requests are testers': they are answered like any other, and count as no client's traffic."""

from dataclasses import dataclass

from podium.runtime.identity import Headers


@dataclass(frozen=True, slots=True)
class Preview:
    """The header that testers send, by which the gateway knows them too."""

    name: bytes  # in lower case, as the headers of a request are
    value: bytes | None = None  # None: whatever it is

    @classmethod
    def of(cls, header: str, value: str | None) -> "Preview":
        """From the settings' texts."""
        return cls(header.lower().encode(), value.encode() if value else None)

    def sent(self, headers: Headers) -> bool:
        """Return whether these are the headers of a tester."""
        return any(name == self.name and (value == self.value if self.value else value) for name, value in headers)
