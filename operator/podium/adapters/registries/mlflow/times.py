"""MLflow's times: milliseconds since 1970, which whoever logs something may choose as they like."""

from datetime import UTC, datetime


def moment(milliseconds: float | None) -> datetime | None:
    """The time; None where there is none or it is no time."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
    except (ValueError, OverflowError, OSError):
        return None
