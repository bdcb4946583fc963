"""Words that a shell completes from the cluster: names of ModelDeployments, namespaces, contexts.

A person waits for each of them at a prompt: within a second there is an answer, or none. Whatever fails is silent, for
a shell would write it into the line that is being typed.
"""

import asyncio
import gc
import json
import os
import signal
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, Final

import click

WITHIN: Final = 1.0  # seconds
_BYTES: Final = 16 * 2**20  # of a list of metadata: some ten thousand objects
_METADATA: Final = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"}
Completer = Callable[[click.Context, click.Parameter, str], list[str]]


class _Late(BaseException):
    """The second is over. No `except Exception` on the way may take it for its own."""


def deployments(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Names of ModelDeployments in the namespace that the line names so far."""
    return _found(lambda: _deployments(ctx), incomplete)


def namespaces(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Names of namespaces."""
    return _found(lambda: _namespaces(ctx), incomplete)


def contexts(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Contexts of the kubeconfig."""

    async def known() -> Iterable[str]:
        from kubernetes.aio.config import list_kube_config_contexts  # noqa: PLC0415  as below

        from podium.adapters.kubernetes.api import kubeconfig  # noqa: PLC0415

        return [str(each["name"]) for each in list_kube_config_contexts(kubeconfig())[0]]

    return _found(known, incomplete)


async def _deployments(ctx: click.Context) -> Iterable[str]:
    from podium.adapters.kubernetes import names  # noqa: PLC0415  the client takes most of the second to import

    return await _listed(ctx, lambda namespace: names.path(names.MODEL_DEPLOYMENTS, namespace))


async def _namespaces(ctx: click.Context) -> Iterable[str]:
    return await _listed(ctx, lambda _: "/api/v1/namespaces")


async def _listed(ctx: click.Context, path: Callable[[str], str]) -> Iterable[str]:
    from podium.cli.live import connected  # noqa: PLC0415
    from podium.cli.options import Place  # noqa: PLC0415

    said = ctx.params
    async with connected(Place(said.get("namespace"), said.get("context"), said.get("user"))) as connection:
        text = await connection.api.text(path(connection.namespace), limit=_BYTES, within=WITHIN, headers=_METADATA)
        return [str(each["metadata"]["name"]) for each in json.loads(text)["items"]]


def _found(look: Callable[[], Coroutine[Any, Any, Iterable[str]]], incomplete: str) -> list[str]:
    with _quiet():
        with suppress(Exception, _Late), _bounded():
            return sorted(each for each in asyncio.run(_within(look())) if each.startswith(incomplete))
        _end_programs()
        gc.collect()  # connections that were left open complain when they are collected: here, where it is quiet
    return []


def _end_programs() -> None:
    """Kill what the client has started for credentials: a login that waits for a person would wait on unseen.

    The client keeps no handle of them, so they are found among all objects; asyncio's thread that waits for each holds
    it, so none of them is ever collected.
    """
    for each in gc.get_objects():
        if issubclass(type(each), asyncio.SubprocessTransport):
            with suppress(ProcessLookupError):
                each.kill()


async def _within(looking: Coroutine[Any, Any, Iterable[str]]) -> Iterable[str]:
    async with asyncio.timeout(WITHIN):
        return await looking


@contextmanager
def _bounded() -> Iterator[None]:
    """Raises _Late after the second, whatever blocks: a kubeconfig may ask a program for its credentials."""
    if not hasattr(signal, "setitimer") or current_thread() is not main_thread():
        yield
        return

    def late(_: int, __: FrameType | None) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, WITHIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Standard error leads nowhere, also that of programs which are started meanwhile."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
