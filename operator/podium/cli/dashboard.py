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
@click.option("--open", "opening", is_flag=True, help="Open it in the browser.")
@at_place
def dashboard(place: Place, *, everywhere: bool, port: int, opening: bool) -> None:
    """Serve a page with the ModelDeployments of the namespace, or with -A of all, until Ctrl-C.

    It listens on 127.0.0.1 alone, reads with the rights of the kubeconfig, and changes nothing. The address that it
    prints carries a token, without which the page answers no request.

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
        run(_served(place, at, everywhere=everywhere, opening=opening), None)


async def _served(place: Place, at: socket.socket, *, everywhere: bool, opening: bool) -> None:
    def say(address: str) -> None:
        click.echo(f"Podium is at {address}")
        click.echo("Ctrl-C ends it.", err=True)
        if opening:
            click.launch(address)

    async with connected(place) as connection:
        path = names.path(names.MODEL_DEPLOYMENTS, connection.namespace)
        await serve(connection.api, names.ALL_MODEL_DEPLOYMENTS if everywhere else path, at, say)


if __name__ == "__main__":
    dashboard()
