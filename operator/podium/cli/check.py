"""`podium check`: whether the cluster is fit for Podium."""

from collections.abc import Sequence

import click

from podium.cli.fitness import OPERATOR_NAMESPACE, Fitness, fitness
from podium.cli.live import connected, run
from podium.cli.options import Place, as_json, at_place
from podium.cli.screen import Screen
from podium.cli.tables import table, to_json
from podium.core.printable import plain


@click.command(short_help="Say whether the cluster is fit: versions, rights, gateway, registry, Prometheus.")
@click.option(
    "--operator-namespace", default=OPERATOR_NAMESPACE, show_default=True, help="Namespace that the operator runs in."
)
@at_place
@as_json
def check(place: Place, *, operator_namespace: str, as_object: bool) -> None:
    """Say whether the cluster is fit for Podium, and what to do where it is not.

    Asked are Kubernetes and its version, the CRDs and whether they are of this version, which PodiumPolicies match the
    namespace, your rights in it, the operator and its rights there, the Gateway API and who implements it, and whether
    the operator's registry and Prometheus answer. What you have no right to ask is Unknown.

    Exit code: 0 when nothing has failed, 1 when something has, or the cluster cannot be asked, 2 for wrong arguments.
    """
    found, screen = run(_all(place, operator_namespace), None), Screen.present()
    screen.show(to_json(found) if as_object else _text(found))
    raise SystemExit(1 if any(each.state == "Failed" for each in found) else 0)


async def _all(place: Place, operator_namespace: str) -> Sequence[Fitness]:
    async with connected(place) as connection:
        return [each async for each in fitness(connection.api, connection.namespace, operator_namespace)]


def _text(found: Sequence[Fitness]) -> str:
    rows = [(each.check, each.state, each.found) for each in found]
    todo = [f"do: {plain(each.next)} ({each.check})" for each in found if each.next]
    return "\n".join([*table(("CHECK", "STATE", "FOUND"), rows), *dict.fromkeys(todo)])


if __name__ == "__main__":
    check()
