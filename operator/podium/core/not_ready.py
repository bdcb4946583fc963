"""Why a pod is not ready, in words for people. Pure."""

from podium.core.facts import PodState


def why_not_ready(pod: PodState) -> str:
    """As kubelet says it; "" where the pod is ready, and where nothing is in its way."""
    if pod.ready or pod.waiting or pod.crash is None:
        return "" if pod.ready else pod.waiting
    message = f": {pod.crash.message}" if pod.crash.message else ""
    return f"ended with exit code {pod.crash.exit_code} ({pod.crash.reason}){message}"
