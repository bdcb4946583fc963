"""Who steers, as the API server takes them."""

from typing import Final

from podium.adapters.kubernetes.api import Api
from podium.errors import PodiumError

_WHO: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


async def caller(api: Api) -> str:
    """For whom the API server takes the caller; "" where it does not say: before Kubernetes 1.28, or by RBAC."""
    try:
        found = await api.create(_WHO, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    except PodiumError:
        return ""
    return str(((found.get("status") or {}).get("userInfo") or {}).get("username") or "")
