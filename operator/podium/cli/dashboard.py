"""`podium dashboard`: the fleet and each rollout in a browser, on this machine."""

import socket
from contextlib import suppress

import click

from podium.adapters.kubernetes import names
from podium.cli.live import connected, run
from podium.cli.objects import InputError
from podium.cli.options import Place, at_place
from podium.dashboard.server import LOOPBACK, listening, serve


@click.command(short_help="Show the fleet and each rollout in a browser, on this machine.")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")
@click.option("--port", default=8910, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--read-only", is_flag=True, help="Without buttons, and without the routes behind them.")
@click.option("--open", "opening", is_flag=True, help="Open it in the browser.")
@at_place
def dashboard(place: Place, *, everywhere: bool, port: int, read_only: bool, opening: bool) -> None:
    """Serve a page with the ModelDeployments of the namespace, or with -A of all, until Ctrl-C.

    It listens on 127.0.0.1 alone, and reads and writes with the rights of the kubeconfig. The address that it prints
    carries a token, without which the page answers no request. Its buttons are the verbs that steer.

    Exit code: 0 when it is ended, 1 when ModelDeployments cannot be read or the port is taken, 2 for wrong arguments.
    """
    if everywhere and place.namespace is not None:
        raise click.UsageError("expected either --namespace or --all-namespaces")
    try:
        at = listening(port)
    except OSError as error:
        message = f"could not listen on {LOOPBACK}:{port}: {error.strerror or error}; do: choose another --port"
        raise InputError(message) from error
    with at, suppress(KeyboardInterrupt):
        run(_served(place, at, everywhere=everywhere, read_only=read_only, opening=opening), None)


async def _served(place: Place, at: socket.socket, *, everywhere: bool, read_only: bool, opening: bool) -> None:
    def say(address: str) -> None:
        click.echo(f"Podium is at {address}")
        click.echo("Ctrl-C ends it.", err=True)
        if opening:
            click.launch(address)

    async with connected(place) as connection:
        path = names.path(names.MODEL_DEPLOYMENTS, connection.namespace)
        whole = names.ALL_MODEL_DEPLOYMENTS if everywhere else path
        await serve(connection.api, whole, at, say, read_only=read_only)


if __name__ == "__main__":
    dashboard()
