"""`podium score`: a table larger than memory, scored by a model version, every row stamped with who scored it."""

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Self

import click

from podium.runtime.__main__ import own_temporary_files
from podium.runtime.batch.failures import ScoreError
from podium.runtime.batch.job import Order, Summary
from podium.runtime.batch.job import score as score_table
from podium.runtime.exits import StartError
from podium.runtime.loading.load import load_model
from podium.runtime.loading.source import fetch, model_folder
from podium.runtime.reference import reference_of

_SUFFIXES = {".csv", ".parquet"}


@click.command(short_help="Score a CSV or Parquet file larger than memory.")
@click.option("--model", "uri", required=True, help="models:/churn/7, models:/churn@champion, a directory …")
@click.option("--input", "source", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", "target", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--chunk-rows", default=100_000, show_default=True, type=click.IntRange(1), help="Rows in memory at once."
)
@click.option(
    "--rename-clashes",
    is_flag=True,
    help="Keep an input column that is called like an added one (run_id, prediction …) as input_<name>.",
)
@click.option("--git-sha", help="Commit that the rows are stamped with.  [default: the one checked out here]")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object instead of a table.")
def score(
    uri: str,
    source: Path,
    target: Path,
    chunk_rows: int,
    git_sha: str | None,
    *,
    rename_clashes: bool,
    as_json: bool,
) -> None:
    """Score a table, and stamp every row with model, version, run, time, batch and commit.

    The output appears whole or not at all. An interrupted run leaves its predictions beside the output, and the same
    command goes on where it ended.
    """
    _check_target(target)
    logging.getLogger("podium").addHandler(logging.NullHandler())  # what went wrong is said once, below
    try:
        with own_temporary_files(), _Bar() as bar:
            fetched = fetch((reference_of(uri, "--model"),), None, fall_back=False)
            order = Order(
                model=load_model(model_folder(fetched)),
                identity=fetched.identity,
                input=source,
                output=target,
                git_sha=git_sha if git_sha is not None else _checked_out(),
                chunk_rows=chunk_rows,
                rename_clashes=rename_clashes,
            )
            summary = score_table(order, bar.advance)
    except (StartError, ScoreError) as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from error
    click.echo(_as_json(summary) if as_json else _as_table(summary, target))


def _check_target(target: Path) -> None:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(target)):
        reason = f"expected a local file, found the address {target}; write a file here and copy it there"
        raise click.BadParameter(reason, param_hint="--output")
    if target.suffix not in _SUFFIXES:
        raise click.BadParameter(f"expected .csv or .parquet, found {target.name}", param_hint="--output")


class _Bar:
    """A progress bar on standard error, if that is a terminal."""

    def __init__(self) -> None:
        self._bar: click._termui_impl.ProgressBar[int] | None = None
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def advance(self, rows: int, total: int | None) -> None:
        self._rows += rows
        if not sys.stderr.isatty():
            return
        if total is None:
            click.echo(f"\rscored {self._rows:,} rows", nl=False, err=True)
            return
        if self._bar is None:
            self._bar = click.progressbar(length=total, label="scoring", file=sys.stderr, show_pos=True)
            self._bar.__enter__()
        self._bar.update(rows)


def _checked_out() -> str:
    for name in ("GIT_SHA", "GITHUB_SHA", "CI_COMMIT_SHA"):
        if value := os.environ.get(name):
            return value
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        return ""  # not in a checkout: the column stays empty
    return found.stdout.strip()


def _as_json(summary: Summary) -> str:
    return json.dumps(
        {
            "rows": summary.rows,
            "reused_rows": summary.reused_rows,
            "seconds": round(summary.seconds, 3),
            "rows_per_s": round(summary.rows_per_s),
            "batch_id": summary.batch_id,
            "predictions": summary.distributions,
        }
    )


def _as_table(summary: Summary, target: Path) -> str:
    reused = f" ({summary.reused_rows:,} by an earlier run)" if summary.reused_rows else ""
    lines = [
        f"{summary.rows:,} rows{reused} in {summary.seconds:.1f} s, {summary.rows_per_s:,.0f} rows/s -> {target}",
        f"batch {summary.batch_id}",
    ]
    for name, found in summary.distributions.items():
        lines.append(f"{name}:")
        labels = found.pop("labels", {})
        lines += [f"  {label:>12}  {count:>12,}  {count / found['count']:6.1%}" for label, count in labels.items()]
        lines += [f"  {key:>12}  {value:>12,.6g}" for key, value in found.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    score()
