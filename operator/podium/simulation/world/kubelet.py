"""When kubelet starts a container again that has ended: at once the first time, then after ever longer waits."""

from typing import Final

_AT_ONCE: Final = 1.0  # seconds: the first start is not held back, and kubelet needs a moment to see the end
_FIRST, _LONGEST = 10.0, 300.0  # seconds; each wait is twice as long as the one before it


def backoff(crashes: int) -> float:
    """Seconds between the last of so many crashes and the next start."""
    return min(_FIRST * 2 ** (crashes - 2), _LONGEST) if crashes > 1 else _AT_ONCE


def waits(crashes: int) -> str:
    """What kubelet says of a container that it holds back; "" where it does not."""
    return f"CrashLoopBackOff: back-off {backoff(crashes):.0f}s restarting failed container" if crashes > 1 else ""
