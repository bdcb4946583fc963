"""The options that verbs share: where the cluster is and who asks, and JSON instead of a text."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any

import click

from podium.api.v1alpha1.values.base import parse_duration
from podium.cli.completing import contexts, deployments, namespaces

Command = Callable[..., Any]


@dataclass(frozen=True)
class Place:
    """Where a verb looks, and as whom."""

    namespace: str | None = None  # None for that of the context
    context: str | None = None  # of the kubeconfig; None for the current one
    user: str | None = None  # to impersonate

    @property
    def named(self) -> bool:
        """Whether the caller said anything of it."""
        return self != Place()


def at_place(command: Command) -> Command:
    """Adds -n, --context and --as, and hands them over as `place`."""

    @click.option(
        "-n", "--namespace", shell_complete=namespaces, help="Namespace.  [default: that of the kubeconfig's context]"
    )
    @click.option("--context", shell_complete=contexts, help="Context of the kubeconfig.  [default: the current one]")
    @click.option("--as", "user", metavar="USER", help="Ask as this user (impersonation); RBAC decides.")
    @wraps(command)
    def placed(*args: Any, namespace: str | None, context: str | None, user: str | None, **rest: Any) -> Any:
        return command(*args, place=Place(namespace, context, user), **rest)

    return placed


named = click.argument("name", shell_complete=deployments)  # of a ModelDeployment
as_json = click.option("--json", "as_object", is_flag=True, help="Print JSON instead of a text.")


def duration(_: click.Context, __: click.Parameter, text: str | None) -> timedelta | None:
    """The callback of an option that is a time, such as 30s, 5m or 1h."""
    if text is None:
        return None
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    assert isinstance(found, timedelta)
    return found
