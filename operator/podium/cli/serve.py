"""`podium serve`: the model server of the pods, on this machine."""

import os

import click

from podium.runtime.__main__ import leave
from podium.runtime.__main__ import main as run_server


@click.command(short_help="Serve a model version on this machine.")
@click.argument("model")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--digest", help="Refuse to serve any other files (sha256:…).")
@click.option("--cache", type=click.Path(file_okay=False), help="Where the last good copy is kept.")
def serve(model: str, host: str, port: int, digest: str | None, cache: str | None) -> None:
    """Serve MODEL: models:/churn/7, models:/churn@champion, runs:/…, a directory or a pickle.

    The registry is MLFLOW_TRACKING_URI, with MLflow's own login variables. All other settings are the variables of
    the pods, PODIUM_*. Ctrl-C ends it.
    """
    given = {"PODIUM_MODEL_URI": model, "PODIUM_HOST": host, "PODIUM_PORT": str(port)}
    given |= {name: value for name, value in (("PODIUM_MODEL_DIGEST", digest), ("PODIUM_CACHE_DIR", cache)) if value}
    os.environ.update(given)
    leave(run_server(os.environ))


if __name__ == "__main__":
    serve()
