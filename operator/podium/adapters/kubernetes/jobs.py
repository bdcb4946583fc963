"""The port GateJobs: Jobs that belong to a ModelDeployment, one for each request.

A Job's name is made from its request ID, so the API server itself makes sure that there is never a second. What came
of it stands in the status once it has been seen; the Job may be gone by then.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from podium.adapters.kubernetes import names, read, render
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects, foreign_object
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.core.actions import RunJob
from podium.core.facts import GateResponse
from podium.errors import Conflict, NotFound
from podium.ports import ModelDeployment

_TOLD: Final = 200  # characters of what a pod or kubelet says


class KubernetesGateJobs:
    """Implements the port GateJobs."""

    def __init__(self, api: Api, defaults: Defaults) -> None:
        self._api = api
        self._defaults = defaults
        self._owned = OwnedObjects(api)

    async def observe(self, md: ModelDeployment, requests: Mapping[str, str]) -> Mapping[str, GateResponse]:
        namespace, name = md.key.namespace, md.key.name
        jobs, pods = await asyncio.gather(
            self._api.list(names.path(names.JOBS, namespace), selector=f"{names.DEPLOYMENT}={name},{names.GATE}"),
            self._api.list(names.path(names.PODS, namespace), selector=f"{names.GATE_OF}={name}"),
        )
        mine = {job["metadata"]["name"]: job for job in jobs if read.owned(job, md.uid)}
        found = {gate: mine.get(names.job_name(name, request_id)) for gate, request_id in requests.items()}
        return {gate: answer(requests[gate], job, _of(job, pods)) for gate, job in found.items() if job is not None}

    async def run(self, md: ModelDeployment, action: RunJob) -> None:
        if md.spec is None:
            raise NotFound(f"{md.key}: cannot run pods, {md.flaw}")
        made = render.gate_job(read.owner_of(md), md.spec, action, self._defaults)
        try:
            await self._api.create(names.path(names.JOBS, md.key.namespace), made)
        except Conflict:
            there = await self._owned.find(names.JOBS, md.key.namespace, made["metadata"]["name"])
            if there is not None and not read.owned(there, md.uid):
                raise foreign_object(made) from None


def answer(request_id: str, job: Json, pods: Sequence[Json]) -> GateResponse:
    """What the Job says so far. Pure."""
    name, conditions = job["metadata"]["name"], job.get("status", {}).get("conditions") or []
    ended = {one.get("type"): one for one in conditions if one.get("status") == "True"}
    if "Complete" in ended:
        return GateResponse(request_id, "Passed", f"job {name} succeeded")
    if "Failed" in ended:
        return GateResponse(request_id, "Failed", f"job {name} failed: {_why(ended['Failed'], pods)}")
    waiting = sorted({waits[:_TOLD] for _, waits in map(_end, pods)} - {""})
    return GateResponse(request_id, "Pending", ": ".join([f"job {name} has not finished", *waiting[:1]]))


def _why(failed: Mapping[str, Any], pods: Sequence[Json]) -> str:
    """The last pod's own word, where it left one, and otherwise the Job's."""
    ends = sorted((end for end, _ in map(_end, pods) if end is not None), key=lambda end: end.at)
    reason = f"{failed.get('reason', '')}: {failed.get('message', '')}"[:_TOLD]
    if not ends or failed.get("reason") == "DeadlineExceeded":
        return reason
    message = _plain(ends[-1].message)
    return f"exit code {ends[-1].exit_code} ({ends[-1].reason})" + (f": {message}" if message else "")


def _plain(text: str) -> str:
    """A pod's own word on one line: what runs in it may write anything."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:_TOLD]


def _end(pod: Json) -> tuple[Any, str]:
    return read.end_of(pod, names.GATE_CONTAINER)


def _of(job: Json | None, pods: Sequence[Json]) -> Sequence[Json]:
    uid = job["metadata"]["uid"] if job is not None else ""
    return [pod for pod in pods if read.owned(pod, uid)]
