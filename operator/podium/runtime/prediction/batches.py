"""Which jobs that wait are predicted together."""

from collections.abc import Iterator

from podium.runtime.prediction.job import Job


def rows_together(jobs: list[Job], most: int) -> int:
    """Return how many rows these jobs have, or more than `most` where one of them is no rows."""
    rows = 0
    for job in jobs:
        if job.ask.rows is None:
            return most + 1
        rows += len(job.ask.rows)
    return rows


def batches(jobs: list[Job], max_rows: int) -> Iterator[list[Job]]:
    """Cut the jobs into batches of at most so many rows, or of one job."""
    batch: list[Job] = []
    size = 0
    for job in jobs:
        rows = len(job.ask.rows or ())
        if batch and size + rows > max_rows:
            yield batch
            batch, size = [], 0
        batch.append(job)
        size += rows
    if batch:
        yield batch
