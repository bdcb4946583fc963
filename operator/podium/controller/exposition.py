"""Lines of Prometheus' text format, version 0.0.4: what its own client would write, for text that is kept."""

from collections.abc import Sequence

from prometheus_client.utils import floatToGoString

from podium.core.label_values import escaped


def header(name: str, text: str, kind: str) -> str:
    """What comes before the lines of a family: its help, which holds no line end, and whether it is a gauge."""
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n"


def line(name: str, labels: Sequence[str], values: Sequence[str], value: float) -> str:
    """One sample, with its labels in the order of the alphabet."""
    pairs = ",".join(f'{label}="{escaped(one)}"' for label, one in sorted(zip(labels, values, strict=True)))
    return f"{name}{{{pairs}}} {_number(value)}\n"


def _number(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]
